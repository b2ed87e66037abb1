"""The explorer: one folder that opens from disk in a browser, with no server and no network.

Here belong what the browser gets (`index.html`, `style.css`, the scripts, one library with its licence) and what writes
it: tables in, a folder out. Not here: how companies are compared, or what a reason is (`science`), and the command
line's answers (the room above).

Data are scripts, since a page from disk may not read files: `data/main.js` before the first sight, a year or a part of
the latents when it is looked at. Each hands JSON to `compsim.take`; long columns are arrays of a few bytes a value, in
base64. Every name and text in it is untrusted: controls are taken out here (`encoding`), and the page knows no way to
make markup of a text (Trusted Types, and a policy that allows its own files alone).
"""
