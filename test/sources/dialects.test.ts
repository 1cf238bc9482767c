import { describe, expect, it } from 'vitest'
import { readDialects } from '../../src/sources/dialects.ts'
import { expectLinear } from '../helpers/growth.ts'

const read = (text: string) => readDialects(text).text

describe('readDialects', () => {
  it.each([
    // Pictures
    ['![[a.png]]', '![](<a.png>)'],
    ['![[sub/a b.png|Low water]]', '![Low water](<sub/a b.png>)'],
    ['![[a.png|300]]', '![](<a.png>)'],
    ['![[talk.pdf]]', '[talk.pdf](<talk.pdf>)'],
    ['![a](my pier.png)', '![a](<my pier.png>)'],
    ['![a](my pier.png "The pier")', '![a](<my pier.png> "The pier")'],
    ['[a](my notes.pdf)', '[a](<my notes.pdf>)'],
    ['![a](b.png =100x50)', '![a](b.png)'],
    ['![a](b.png =100x)', '![a](b.png)'],
    ['![a](b.png){: .center width="50"}', '![a](b.png)'],
    ['![a](b.png){width=50%}', '![a](b.png)'],
    ['![a]({{ site.baseurl }}/b.png)', '![a](/b.png)'],
    ['![a]({{site.url}}{{site.baseurl}}/b.png)', '![a](/b.png)'],
    ['![a]({{ "/b.png" | relative_url }})', '![a](/b.png)'],
    ['<img src="{{ \'/b.png\' | prepend: site.baseurl }}">', '<img src="/b.png">'],
    ['![a]({static}/b.png)', '![a](/b.png)'],
    ['{{< figure src="b.png" caption="The map" >}}', '![](<b.png>)<br><em>The map</em>'],
    ['a {{< figure src="b.png" title="Low" >}}', 'a ![Low](<b.png> "Low")'],
    [
      '{{< figure src="b.png" alt="a" title="Low" caption="At *noon*" link="c.md" attr="Mara" attrlink="/m" >}}',
      '[![a](<b.png>)](<c.md>)<br><em>Low<br>At *noon*<br>[Mara](/m)</em>',
    ],
    ['![a]({{ site.baseurl }}/b.png){: .center}', '![a](/b.png)'],
    ['<img src="data:,x" data-src="{{ site.url }}/b.png">', '<img src="/b.png">'],
    ['<img src="data:,x" data-srcset="b.png 1x">', '<img srcset="b.png 1x">'],
    ['<amp-img src="b.png" width=9></amp-img>', '<img src="b.png" width=9>'],
    ['|a|\n|-|\n|[[b\\|c]] ![[d.png\\|50]]|', '|a|\n|-|\n|[c](<b.md>) ![](<d.png>)|'],
    ['{{<img src="b.png" alt="A [map]" width="3">}}', '![A map](<b.png>)'],
    ['{{ image(path="b.png", alt="a") }}', '![a](<b.png>)'],
    ['{% img left /b.png 20 30 A map %}', '![A map](</b.png>)'],
    ['{% asset_img b.png A map %}', '![A map](<b.png>)'],
    ['{% include figure.html src="/b.png" alt="a" %}', '![a](</b.png>)'],
    ['![a|100x50](b.png)', '![a](b.png)'],
    [
      '<figure markdown="span">\n  ![a](b.png){ width="300" }\n  <figcaption>Low</figcaption>\n</figure>',
      '![a](b.png)\n\n*Low*\n',
    ],
    ['<figure markdown>\n![a](b.png)\n</figure>', '![a](b.png)\n\n'],
    ['![a](@site/static/b.png) ![c](~/d.png)', '![a](/static/b.png) ![c](/d.png)'],
    ["<img src={require('./b.png').default} />", '<img src="./b.png" />'],
    ['<img class="lazy" src="data:,x" data-src="b.png">', '<img class="lazy" src="b.png">'],
    ["<img data-original='b.png' alt=a src=/spinner.gif>", "<img src='b.png' alt=a>"],
    [
      '![a](img\\b.png) ![c](.\\d.png) ![e](a\\_b.png)',
      '![a](img/b.png) ![c](./d.png) ![e](a\\_b.png)',
    ],
    ["<Image src={require('./b.png')} />", '<img src="./b.png" />'],
    ['<Image src="b.png" width={200} alt="a" />', '<img src="b.png" width="200" alt="a" />'],
    ['[TOC]\n\na\n\n*[HTML]: Hypertext', '\n\na\n\n'],
    ['<img data-src="a.png" src="b.png">', '<img data-src="a.png" src="b.png">'],
    ['{% picture b.png --alt Sea %}', '![Sea](<b.png>)'],
    ['{{< video src="b.mp4" >}}', '[b.mp4](<b.mp4>)'],
    ['{{ resize_image(path="b.png", width=9, op="fit_width") }}', '![](<b.png>)'],
    ['<img src="{{ resize_image(path="b.png") }}">', '<img src="b.png">'],
    ['{% figure(src="b.png", alt="a") %}\nLow *tide*\n{% end %}', '![a](<b.png>)\n\nLow *tide*'],
    ['{% figure() %}\n![a](b.png)\n{% end %}', '\n![a](b.png)\n'],
    ['{{< imgproc "b.png" Resize "9x" >}}\nLow\n{{< /imgproc >}}', '![](<b.png>)\n\nLow'],
    ['{{< imgproc "b.png" Fit "9x9" >}}Low{{< /imgproc >}}', '![Low](<b.png>)'],
    [
      '{{ $a := .Resources.Get "b.png" }}{{ $c := $a.Resize "9x" }}\n<img src="{{ $c.RelPermalink }}">',
      '\n<img src="b.png">',
    ],
    [
      '{{ with .Page.Resources.GetMatch "b.png" }}<img src="{{ .Permalink }}">{{ end }}',
      '<img src="b.png">',
    ],
    ['{{< responsive-image src="b.png" alt="a" >}}', '![a](<b.png>)'],
    ['![a](@assets/b.png) ![c]($lib/d.png)', '![a](/assets/b.png) ![c](/lib/d.png)'],
    ['![a]({photo}b.jpg) ![c]({attach}d.png)', '![a](b.jpg) ![c](d.png)'],
    ['<NuxtImg src="/b.png" alt="a" />', '<img src="/b.png" alt="a" />'],
    ['<Picture src={import("../b.png")} alt="a" />', '<img src="../b.png" alt="a" />'],
    // Links and embeds
    ['{% post_link b "A post" %} {% post_path b %}', '[A post](<b.md>) b.md'],
    ['a [[Low water]] b', 'a [Low water](<Low water.md>) b'],
    ['[[Low water#At noon|noon]]', '[noon](<Low water.md#At noon>)'],
    ['[a]({% post_url 2014-01-08-b %})', '[a](2014-01-08-b.md)'],
    ['[a]({{< ref "b.md" >}}) [c]({% link _posts/d.md %})', '[a](b.md) [c](_posts/d.md)'],
    ['[a](@/blog/b.md)', '[a](@/blog/b.md)'],
    [
      '{{< youtube abc-1 >}}',
      '[www.youtube.com/watch?v=abc-1](https://www.youtube.com/watch?v=abc-1)',
    ],
    ['{{< gist mara 12 >}}', '[gist.github.com/mara/12](https://gist.github.com/mara/12)'],
    // Comments
    ['a %% b %% c', 'a  c'],
    ['a\n\n%%\nb\n\nc\n%%\nd', 'a\n\n\n\n\n\n\nd'],
    ['a\n\n%% open\n\nb', 'a\n\n\n\n'],
    ['a {# b #} {% comment %}c{% endcomment %}{{/* d */}}', 'a  '],
    // Text
    ['10:30:00 H~2~O 3 m^2^ 2^n and 3^m', '10:30:00 H<sub>2</sub>O 3 m<sup>2</sup> 2^n and 3^m'],
    ['Ebb\n: going *out*\n: low\n\nb', '- **Ebb**\\\n  going *out*\\\n  low\n\nb'],
    ['Ebb\n\n: going out\n\nb', '- **Ebb**\n\n  going out\n\nb'],
    ['- a\n: b', '- a\n: b'],
    ['{% codeblock lang:js %}\na\n{% endcodeblock %}', '```js\na\n```'],
    ['a ==b c== d', 'a <mark>b c</mark> d'],
    ['{% highlight ruby %}\nputs 1*2*3\n{% endhighlight %}', '```ruby\nputs 1*2*3\n```'],
    ['{{< highlight go >}}\na\n{{< /highlight >}}', '```go\na\n```'],
    ['{% raw %}{{ x }}{% endraw %}', '{{ x }}'],
    ['# a\n{: #b .c}', '# a {#b}\n'],
    ['a\n{:.note}\n\n* TOC\n{:toc}', 'a\n\n\n\n'],
    ['::: tip Title\na\n\nb\n:::', '> [!TIP] Title\n> a\n>\n> b\n'],
    ['::: note{title="A b"}\na\n:::', '> [!NOTE] A b\n> a\n'],
    [':::tip[A b]{.c}\na\n:::', '> [!TIP] A b\n> a\n'],
    ['::: {.callout-warning collapse="true"}\na\n:::', '> [!WARNING]\n> a\n'],
    ['{{% notice warning %}}\na\n{{% /notice %}}', '> [!WARNING]\n> a\n'],
    ['{% hint style="danger" %}\na\n{% endhint %}', '> [!CAUTION]\n> a\n'],
    [
      '{{< admonition type=tip title="A b" open=true >}}\na\n{{< /admonition >}}',
      '> [!TIP] A b\n> a\n',
    ],
    ['{% note info A b %}\na\n{% endnote %}', '> [!NOTE] A b\n> a\n'],
    // What one rule takes, the others read, too
    [
      '::: tip\n![[b.png]] [[c]] %% d %% {{< ref "e.md" >}}\n:::',
      '> [!TIP]\n> ![](<b.png>) [c](<c.md>)  e.md\n',
    ],
    [
      '!!! note\n    ![a](b c.png){ .d }\n    ==[[e]]==',
      '> [!NOTE]\n> ![a](<b c.png>)\n> <mark>[e](<e.md>)</mark>',
    ],
    [
      '!!! note\n    {% highlight go %}\n    a\n    {% endhighlight %}',
      '> [!NOTE]\n> ```go\n> a\n> ```',
    ],
    ['Ebb [[a]]\n: ![[b.png]]', '- **Ebb [a](<a.md>)**\\\n  ![](<b.png>)'],
    // Names of blocks
    ['a ^1a2b3c\n\n^low-water\n\nb ^2', 'a\n\n\n\nb ^2'],
    ['!!! note "Title"\n    a\n\n    b\nc', '> [!NOTE] Title\n> a\n>\n> b\nc'],
  ])('reads %j', (text, expected) => {
    const after = read(text)
    expect(after).toBe(expected)
    const inWindows = (it: string) => it.replaceAll('\n', '\r\n')
    expect(read(inWindows(text))).toBe(inWindows(expected))
    // No line of what follows gets another number.
    expect(after.split('\n').length).toBe(text.split('\n').length)
  })

  it.each([
    'plain *text* with [a](b.md) and ![c](d.png)\n\n> quotes',
    '100%% sure, 50%',
    '`{{ site.baseurl }}` and ``[[a]]`` and `%% b %%`',
    '```\n%% a %%\n{% include b %}\n```',
    '~~~ liquid\n![[a.png]]\n~~~',
    'a\n\n    ==b==\n    [[c]]',
    '[[1]](https://a.example) [[ -f x ]] [[RFC] a](b.md) a[[0]]',
    'x==y==z, a == b and c == d',
    '[a](https://b.example/c "d e.png")',
    '[a](b (c).png)',
    '\\![[a.png]]',
  ])('leaves %j as it is', (text) => {
    expect(readDialects(text)).toEqual({ text, warnings: [] })
  })

  it('puts inline notes below the text', () => {
    const text = 'a^[one *two* [b](c)] d^[three\nfour] `^[e]`.\n'
    expect(read('a^[one [[b]]]')).toBe('a[^inline-1]\n\n[^inline-1]: one [b](<b.md>)\n')
    expect(read(text)).toBe(
      'a[^inline-1] d[^inline-2]\n `^[e]`.\n\n[^inline-1]: one *two* [b](c)\n[^inline-2]: three four\n',
    )
  })

  it('keeps the end of each line', () => {
    const text = 'a\r\n==b==\nc ^[d]\r\n'
    expect(read(text)).toBe('a\r\n<mark>b</mark>\nc [^inline-1]\r\n\r\n[^inline-1]: d\r\n')
    expect(read('a\r\nb\n')).toBe('a\r\nb\n')
  })

  it('counts template code, or leaves it out', () => {
    const text = 'a\n\n{% include newsletter.html id=1 %} {{ page.title }}\n{% include b.html %}'
    expect(readDialects(text)).toEqual({
      text,
      warnings: [
        {
          message:
            '3 template tags of a site generator: published as they stand; --without-templates leaves them out (1 × include newsletter.html, 1 × page.title, 1 × include b.html).',
          line: 3,
        },
      ],
    })
    const { text: left, warnings } = readDialects(text, { withoutTemplates: true })
    expect(left).toBe('a\n\n \n')
    expect(warnings[0]?.message).toContain('3 template tags of a site generator: left out')
  })

  it('says that it leaves out comments', () => {
    expect(readDialects('a %%b%% c\n\n%%\nd\n%%').warnings).toEqual([
      { message: '2 comments are left out.' },
    ])
  })

  it.each([
    { unit: '%%a\n\n' },
    { unit: 'a %%' },
    { unit: '{% ' },
    { unit: '{{ ' },
    { unit: '{{ a }}' },
    { unit: '{% comment %}' },
    { unit: '{% highlight a %}\n' },
    { unit: '{# a' },
    { unit: '![[' },
    { unit: '[[a|' },
    { unit: '[a](b ' },
    { unit: '![a](b =1x1' },
    { unit: '==a ' },
    { start: '{% a %}', unit: '`a' },
    { start: '{% a %}', unit: '``a`' },
    { unit: '::: tip\n' },
    { unit: '!!! note\n    a\n' },
    { unit: '# a\n{: ' },
    { unit: 'a^[b ' },
    { unit: 'a\n: b\n' },
    { unit: 'a~1a^b' },
  ])('takes time in proportion to %j', { timeout: 120_000 }, async (construct) => {
    await expectLinear(construct, read)
  })
})
