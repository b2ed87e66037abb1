"""An inbox: a folder where others put files, and how such a file comes into the universe's folder, or does not.

`waiting` looks at what lies there and when it is settled, `places` says where a file belongs, `checking` reads it as a
run would, beside the universe's other files and without touching them, in a process of its own. `batch` puts what was
accepted in its place, `quarantine` keeps the rest with the reason. `look` is all of this, once. Every step is a move of
whole files, and a kill between two of them loses nothing: the next look goes on. Links are never followed. Who asks
for a look, and runs that follow, are in `automation`.
"""
