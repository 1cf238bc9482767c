import { describe, expect, it } from 'vitest'
import { renderHtml } from '../../src/reader/html.ts'
import { renderTerminal } from '../../src/reader/terminal.ts'
import { complaints } from './strict-html.ts'

const ATTACKS: readonly string[] = [
  // Schemes
  '[a](javascript:alert(1))',
  '[a](JaVaScRiPt:alert(1))',
  '[a](java\tscript:alert(1))',
  '[a](<java\nscript:alert(1)>)',
  '[a](&#106;avascript:alert(1))',
  '[a](javascript&colon;alert(1))',
  '[a](javascript&#58;alert(1))',
  '[a](&#x01;javascript:alert(1))',
  '[a](\u0001javascript:alert(1))',
  '[a](< javascript:alert(1)>)',
  '[a](java&Tab;script:alert(1))',
  '[a](java&NewLine;script:alert(1))',
  '[a](java\u200bscript:alert(1))',
  '[a](javascript://%0aalert(1))',
  '[a](jav\\ascript:alert(1))',
  '[a](%6aavascript:alert(1))',
  '[a](vbscript:msgbox(1))',
  '[a](livescript:x)',
  '[a](data:text/html,<script>alert(1)</script>)',
  '[a](data:text/html;base64,PHNjcmlwdD4=)',
  '[a](file:///etc/passwd)',
  '[a](blob:https://a.example/1)',
  '[a](ftp://a.example)',
  '[a](view-source:https://a.example)',
  '[a](about:blank)',
  '[a](//evil.example/x)',
  '[a](\\\\evil.example\\x)',
  '[a](/\\evil.example)',
  '[a](?q=1)',
  '[a](#i1-fn-1)',
  '[a](https://bank.example@evil.example/)',
  '[a](https://user:pw@evil.example/)',
  '[a](https://)',
  '[a](http:evil)',
  '<javascript:alert(1)>',
  '<JAVASCRIPT:alert(1)>',
  '<data:text/html,x>',
  '<vbscript:x>',
  '[a][x]\n\n[x]: javascript:alert(1)',
  '[x]\n\n[x]: <javascript:alert(1)> "t"',
  '[x]\n\n[x]: https://ok.example\n[x]: javascript:alert(1)',
  '![a](javascript:alert(1))',
  '![a](data:image/svg+xml,<svg/onload=alert(1)>)',
  '![a](https://track.example/p.gif)',
  '![a](//track.example/p.gif)',
  '![a](http://track.example/p.gif "t")',
  '![a][x]\n\n[x]: https://track.example/p.gif',
  '![a](../../etc/passwd)',
  '![a](..%2f..%2fetc%2fpasswd)',
  '![a](C:\\secret.png)',
  '![a](tide.png?x=https://evil.example)',
  '![a](%00tide.png)',
  '![a](%E0%A4%A)',
  // Raw HTML
  '<script>alert(1)</script>',
  'a <script>alert(1)</script> b',
  '<SCRIPT SRC=//evil.example></SCRIPT>',
  '<scr<script>ipt>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  'a <img src=x onerror=alert(1)> b',
  '<img src="https://track.example/p.gif">',
  'a <img src=javascript:alert(1) alt="<script>"> b',
  '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>',
  '<math><mtext></mtext><a href="javascript:alert(1)">x</a></math>',
  '<iframe src="https://evil.example"></iframe>',
  '<iframe srcdoc="<script>alert(1)</script>">',
  '<object data="evil.swf"></object>',
  '<embed src="evil.swf">',
  '<style>body{display:none}</style>',
  '<link rel=stylesheet href="https://evil.example/a.css">',
  '<p style="position:fixed">x</p>',
  '<form action="https://evil.example"><input name=p><button>ok</button></form>',
  '<input autofocus onfocus=alert(1)>',
  '<meta http-equiv="refresh" content="0;url=https://evil.example">',
  '<base href="https://evil.example/">',
  '<body onload=alert(1)>',
  '<details open ontoggle=alert(1)>x</details>',
  '<video src=x onerror=alert(1)></video>',
  '<audio autoplay src="https://evil.example">',
  '<a href="javascript:alert(1)">x</a>',
  '<a id="verified" class="verified">x</a>',
  '<span class="verified-mark">verified</span>',
  '<template><script>alert(1)</script></template>',
  '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
  '<!--><script>alert(1)</script>-->',
  '<!-- --!><script>alert(1)</script> -->',
  '<![CDATA[<script>alert(1)</script>]]>',
  '<?php echo 1 ?>',
  '<!DOCTYPE html>',
  '<x onclick=alert(1)>y</x>',
  '<textarea><script>alert(1)</script></textarea>',
  '<title><script>alert(1)</script></title>',
  '<plaintext>',
  '<b',
  '<a href="',
  '</p></div></body></html>',
  // Attributes
  '[a](https://a.example "x\\" onclick=\\"alert(1)")',
  '[a](https://a.example \'x" onmouseover="alert(1)\')',
  '[a](https://a.example (x" onclick="alert(1\\)))',
  '![" onerror="alert(1)](tide.png)',
  '![a](tide.png \'" onload="alert(1)\')',
  '![](tide.png "\'><script>alert(1)</script>")',
  '![<script>](no.png)',
  '[a](https://a.example/"onclick="alert(1))',
  '<https://a.example/"onclick="alert(1)>',
  'https://a.example/"onclick="alert(1)',
  'www.a.example/<script>',
  '```js" onclick="alert(1)\nx\n```',
  '```<script>\nx\n```',
  '~~~ x class=verified\ny\n~~~',
  '`<script>alert(1)</script>`',
  '    <script>alert(1)</script>',
  // Ids, footnotes, tables
  'a[^"><script>]\n\n[^"><script>]: x',
  '[^__proto__]\n\n[^__proto__]: x',
  '[^constructor] [^toString]\n\n[^constructor]: a\n\n[^toString]: b',
  'a[^1]\n\n[^1]: <img src=x onerror=alert(1)>',
  'a[^1]\n\n[^1]: b[^2]\n\n[^2]: c[^1]',
  '[__proto__]\n\n[__proto__]: https://a.example',
  '# x {#id onclick=alert(1)}',
  '|<script>|\n|-|\n|<img src=x onerror=alert(1)>|',
  '|a|\n|:-:|\n|[b](javascript:alert(1))|',
  // Entities and Unicode
  '&lt;script&gt;alert(1)&lt;/script&gt;',
  '&#60;script&#62;',
  '&#0;',
  '&#x202e;gpj.exe',
  'a\u202egpj.exe',
  '\u2066a\u2069 \u200b\u2060\ufeff',
  '&ZeroWidthSpace;&InvisibleTimes;',
  '[paypa\u200bl.example](https://evil.example)',
  '[a](https://\u0440aypal.example)',
  '\ud800<script>\udc00',
  '＜script＞',
  '\u2028<script>\u2029',
  '&#x1b;]0;owned&#7;',
  '\u001b[2J\u001b]8;;https://evil.example\u0007x\u001b]8;;\u0007',
  '\u009b31mred',
  '- [x] <script>alert(1)</script>',
  '- [ ]\n',
  '***bold** <b>*',
  '[a](https://a.example)[b](javascript:x)![c](data:x)',
]

const options = {
  idPrefix: 'i1-',
  attachmentUrl: (name: string) => (name === 'tide.png' ? '/attachments/tide.png' : undefined),
}

describe('an attack', () => {
  it.each(ATTACKS)('is shown as harmless HTML: %j', (markdown) => {
    for (const text of [
      markdown,
      `> ${markdown}`,
      `- ${markdown}`,
      `*${markdown}*`,
      `[${markdown}](https://a.example)`,
    ]) {
      expect(complaints(renderHtml(text, options), 'i1-')).toEqual([])
    }
  })

  it.each(ATTACKS)('is shown as harmless terminal text: %j', (markdown) => {
    // eslint-disable-next-line no-control-regex
    expect(renderTerminal(markdown, { width: 60, color: false })).not.toMatch(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/,
    )
    const colored = renderTerminal(markdown, { width: 60, color: true })
    // With colour, only the styles of this renderer remain.
    // eslint-disable-next-line no-control-regex
    expect(colored.replace(/\u001b\[(?:1|2|3|4|9|2[2-49]|3[236]|39)m/g, '')).not.toMatch(
      /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/,
    )
  })
})

describe('the check of attacks', () => {
  it.each([
    '<script>x</script>',
    '<p onclick="x">a</p>',
    '<a href="javascript:x">a</a>',
    '<a href="/x">a</a>',
    '<img src="https://a.example/x.png">',
    '<p style="a">b</p>',
    '<p id="x">b</p>',
    '<p>a',
    '<p>\u202ea</p>',
    '<a href="https://a.example"><a href="https://a.example">b</a></a>',
    '<p>a<b</p>',
  ])('finds fault with %j', (html) => {
    expect(complaints(html, 'i1-')).not.toEqual([])
  })
})
