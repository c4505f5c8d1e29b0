"""A link that lies in a granted folder leads out."""

from attack import WORLD, leaked, read, tries

with tries():
    leaked(read(WORLD.granted + "/away/id_secret"))
