# BitTorrent by libtorrent, over TCP, without trackers and DHT: everybody is told of everybody else.
# Argument: an object as JSON with "dir", own "address", "torrent" file, and for who seeds "files" of "sizeBytes", or
# the addresses of "others".
import json, os, resource, sys, time
import libtorrent as lt

given = json.loads(sys.argv[1])
folder = given['dir']
PORT = 6881
os.makedirs(folder, exist_ok=True)
session = lt.session({
    'listen_interfaces': f"{given['address']}:{PORT}", 'enable_dht': False, 'enable_lsd': False,
    'enable_upnp': False, 'enable_natpmp': False, 'unchoke_slots_limit': 20,
    'allow_multiple_connections_per_ip': True, 'enable_incoming_utp': False,
    'enable_outgoing_utp': False, 'alert_mask': 0,
})
seeds = 'files' in given
if seeds:
    served = os.path.join(folder, 'issues')
    os.makedirs(served)
    for i in range(given['files']):
        with open(os.path.join(served, f'{i:05}'), 'wb') as file:
            file.write(os.urandom(given['sizeBytes']))
    files = lt.file_storage()
    lt.add_files(files, served)
    # Of itself it pads each of many files to a whole piece.
    made = lt.create_torrent(files, flags=lt.create_torrent.v1_only) if given['files'] > 1 \
        else lt.create_torrent(files)
    lt.set_piece_hashes(made, folder)
    with open(given['torrent'], 'wb') as file:
        file.write(lt.bencode(made.generate()))
parameters = lt.add_torrent_params()
parameters.ti = lt.torrent_info(given['torrent'])
parameters.save_path = folder
handle = session.add_torrent(parameters) if seeds else None
while seeds and not handle.status().is_seeding:
    time.sleep(0.05)
print('{}', flush=True)
for line in sys.stdin:
    if line.strip() != 'begin':
        continue
    began = time.monotonic()
    before = resource.getrusage(resource.RUSAGE_SELF)
    points = []
    handle = session.add_torrent(parameters)
    for other in given['others']:
        handle.connect_peer((other, PORT))
    while True:
        status = handle.status()
        elapsed = round(1000 * (time.monotonic() - began))
        points.append([elapsed, status.total_wanted_done])
        if status.is_seeding:
            break
        time.sleep(0.02)
    used = resource.getrusage(resource.RUSAGE_SELF)
    facts = {'points': points, 'cpuMs': round(1000 * (used.ru_utime + used.ru_stime
                                                   - before.ru_utime - before.ru_stime)),
             'memoryBytes': 1024 * used.ru_maxrss}
    print(json.dumps(facts), flush=True)
