// A network of a few machines in one process: each has a namespace with one TUN device, an uplink and a downlink
// of some rate, each with a queue that drops what does not fit, and a delay on each of the two ways.
//
//   switch RTT_MS QUEUE_MS NAMESPACE,ADDRESS,UP_MBIT,DOWN_MBIT …     (a rate of 0: no limit)
//
// Prints "ready"; to every line on its input it answers with the bytes that left each uplink since the last one.
// "cut NAMESPACE" also takes that machine off the network.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { MACHINES = 64, MTU = 1500, LEAST = 20 };

struct link { double bytes_per_s, free_at; };

struct machine {
  char name[32];
  uint32_t address;
  int device, is_cut;
  struct link up, down;
  uint64_t sent;
};

// On its way: first to the downlink of `to`, then out of it.
struct packet { double due; uint64_t order; int to, length, is_last; unsigned char *bytes; };

static struct machine machines[MACHINES];
static int machine_count;
static struct packet *heap;
static size_t heap_size, heap_room;
static uint64_t orders;
static double queue_s, one_way_s;

static void fail(const char *what) { perror(what); exit(1); }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int is_before(const struct packet *a, const struct packet *b) {
  return a->due < b->due || (a->due == b->due && a->order < b->order);
}

static void push(struct packet p) {
  if (heap_size == heap_room) {
    heap_room = heap_room ? 2 * heap_room : 1024;
    heap = realloc(heap, heap_room * sizeof *heap);
    if (!heap) fail("realloc");
  }
  p.order = orders++;
  size_t at = heap_size++;
  while (at > 0 && is_before(&p, &heap[(at - 1) / 2])) {
    heap[at] = heap[(at - 1) / 2];
    at = (at - 1) / 2;
  }
  heap[at] = p;
}

static struct packet pop(void) {
  struct packet first = heap[0], last = heap[--heap_size];
  size_t at = 0;
  for (;;) {
    size_t child = 2 * at + 1;
    if (child >= heap_size) break;
    if (child + 1 < heap_size && is_before(&heap[child + 1], &heap[child])) child++;
    if (!is_before(&heap[child], &last)) break;
    heap[at] = heap[child];
    at = child;
  }
  if (heap_size > 0) heap[at] = last;
  return first;
}

// When the last byte has left a link; negative if its queue is too long.
static double pass(struct link *link, double at, int length) {
  if (link->bytes_per_s <= 0) return at;
  double start = link->free_at > at ? link->free_at : at;
  if (start - at > queue_s) return -1;
  return link->free_at = start + length / link->bytes_per_s;
}

static int open_device(const char *name, const char *address) {
  char path[64], command[256];
  snprintf(path, sizeof path, "/run/netns/%s", name);
  int space = open(path, O_RDONLY);
  if (space < 0 || setns(space, CLONE_NEWNET) < 0) fail(path);
  close(space);
  struct ifreq request = { .ifr_flags = IFF_TUN | IFF_NO_PI };
  snprintf(request.ifr_name, sizeof request.ifr_name, "wire");
  int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
  if (device < 0 || ioctl(device, TUNSETIFF, &request) < 0) fail("tun");
  snprintf(command, sizeof command,
           "ip address add %s/16 dev wire && ip link set wire mtu %d txqueuelen 1000 up && ip link set lo up",
           address, MTU);
  if (system(command) != 0) fail("ip");
  return device;
}

static void add(const char *text) {
  struct machine *m = &machines[machine_count++];
  char address[32];
  double up, down;
  if (machine_count > MACHINES || sscanf(text, "%31[^,],%31[^,],%lf,%lf", m->name, address, &up, &down) != 4) {
    fprintf(stderr, "not a machine: %s\n", text);
    exit(1);
  }
  m->address = inet_addr(address);
  m->up.bytes_per_s = up * 125000;
  m->down.bytes_per_s = down * 125000;
  m->device = open_device(m->name, address);
}

static void take(struct machine *from) {
  unsigned char bytes[MTU];
  for (int i = 0; i < 64; i++) {
    int length = (int)read(from->device, bytes, sizeof bytes);
    if (length <= 0) return;
    if (length < LEAST || bytes[0] >> 4 != 4 || from->is_cut) continue;
    uint32_t address;
    memcpy(&address, bytes + 16, sizeof address);
    for (int to = 0; to < machine_count; to++) {
      if (machines[to].address != address) continue;
      double left = pass(&from->up, now(), length);
      if (left < 0) break;
      from->sent += (uint64_t)length;
      unsigned char *copy = malloc((size_t)length);
      if (!copy) fail("malloc");
      memcpy(copy, bytes, (size_t)length);
      push((struct packet){ .due = left + one_way_s, .to = to, .length = length, .bytes = copy });
      break;
    }
  }
}

static void deliver(void) {
  while (heap_size > 0 && heap[0].due <= now()) {
    struct packet p = pop();
    struct machine *m = &machines[p.to];
    if (!p.is_last) {
      double arrived = pass(&m->down, p.due, p.length);
      if (arrived >= 0) {
        p.due = arrived;
        p.is_last = 1;
        push(p);
        continue;
      }
    } else if (!m->is_cut && write(m->device, p.bytes, (size_t)p.length) < 0) {
      // A full device drops it, as a full queue does.
    }
    free(p.bytes);
  }
}

static void answer(char *line) {
  char *name = strncmp(line, "cut ", 4) == 0 ? line + 4 : NULL;
  if (name) name[strcspn(name, "\n")] = 0;
  printf("{");
  for (int i = 0; i < machine_count; i++) {
    if (name && strcmp(machines[i].name, name) == 0) machines[i].is_cut = 1;
    printf("%s\"%s\":%llu", i ? "," : "", machines[i].name, (unsigned long long)machines[i].sent);
    machines[i].sent = 0;
  }
  printf("}\n");
  fflush(stdout);
}

int main(int count, char **arguments) {
  if (count < 4) return 2;
  int home = open("/proc/self/ns/net", O_RDONLY);
  one_way_s = atof(arguments[1]) / 2000;
  queue_s = atof(arguments[2]) / 1000;
  for (int i = 3; i < count; i++) add(arguments[i]);
  if (setns(home, CLONE_NEWNET) < 0) fail("setns");
  printf("ready\n");
  fflush(stdout);
  struct pollfd polled[MACHINES + 1];
  for (int i = 0; i < machine_count; i++) polled[i] = (struct pollfd){ .fd = machines[i].device, .events = POLLIN };
  polled[machine_count] = (struct pollfd){ .fd = 0, .events = POLLIN };
  for (;;) {
    double wait = heap_size > 0 ? heap[0].due - now() : 1;
    struct timespec limit = { 0, 0 };
    if (wait > 0) limit = (struct timespec){ (time_t)wait, (long)((wait - (double)(time_t)wait) * 1e9) };
    if (ppoll(polled, (nfds_t)machine_count + 1, &limit, NULL) < 0) continue;
    for (int i = 0; i < machine_count; i++) if (polled[i].revents & POLLIN) take(&machines[i]);
    if (polled[machine_count].revents) {
      char line[128];
      ssize_t length = read(0, line, sizeof line - 1);
      if (length <= 0) return 0;
      line[length] = 0;
      answer(line);
    }
    deliver();
  }
}
