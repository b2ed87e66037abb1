"""Figures: data in, a matplotlib Figure out. No pyplot, no files, no global state.

A module draws the figures of one subject, and its functions are named as the assets that they are drawn for. What
figures share is in `axes` (axes, keys, labels, the page without data), `style` (palette, page, PNG bytes) and `methods`
(how each method looks). Nothing is computed here that a table could hold: a figure shows rows as they are, and at most
averages them for its key. Where the data lie, and who asks, is known to assets and storage.

Every figure takes `synthetic`, whether its data are generated: then it says so twice, beside the title and at the foot.
A table without rows gives a page that says why there is nothing to draw. A missing year or value is a gap, never a
bridge. Pages have sizes and margins in inches, and not a layout engine: the same data give the same bytes.
"""
