/**
 * What an author wrote, made safe to show: Markdown as HTML, names of files, links, and text without anything that
 * could drive a terminal or deceive its reader. Runs in browsers.
 */
export { safeFileName } from './file-name.ts'
export { renderHtml, type HtmlOptions } from './html/html.ts'
export { attachmentName, hostOf, safeUrl } from './links.ts'
export { singleLine, stripControls } from './plain.ts'
