object 7306619d327fb6d19be654120e35406c5360164d
type commit
tag v2
tagger Ada Lovelace <ada@example.com> 1700000000 +0100

version 2
