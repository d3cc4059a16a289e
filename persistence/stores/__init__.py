"""Stores: opaque bytes by key, swapped only against what was there before.

store      what every store is; keys, tags and what a swap expects
memory     a dictionary; also what the tests of other rooms use
folder     a file a key
postgres   a row a key
s3         an object a key
"""
