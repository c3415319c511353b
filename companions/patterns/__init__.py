"""What was learned from loops, as sums: pure arithmetic on numbers. It keeps nothing and reads no text.

``sample`` is what one slot tells, ``sums`` adds samples up, ``hazard``, ``gain`` and ``reliability`` read the sums,
``telling`` says how their numbers are told, ``outlook`` puts them into what a caller is told. Who learns when, and
where sums are kept, is ``sessions``' work.
"""
