"""It imports a module that lies beside it, and the interpreter would like to keep the compiled form."""

import attack

print(len(attack.X86_64), "DONE")
