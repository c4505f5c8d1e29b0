"""Which IP addresses are not of the public internet, in whatever form they are written."""

from functools import cache, lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

_Address = IPv4Address | IPv6Address

# IANA special-purpose address registries (RFC 6890 and its updates), kept here because the table of the
# standard library changes from version to version
_PRIVATE_4 = (
    "0.0.0.0/8",  # this host (RFC 1122); Linux takes 0.0.0.0 for loopback
    "10.0.0.0/8",  # RFC 1918
    "100.64.0.0/10",  # carrier-grade NAT (RFC 6598); metadata of Alibaba Cloud
    "127.0.0.0/8",  # loopback
    "168.63.129.16/32",  # the platform address of Azure virtual machines: public by number, local by nature
    "169.254.0.0/16",  # link-local (RFC 3927); metadata of most clouds
    "172.16.0.0/12",  # RFC 1918
    "192.0.0.0/24",  # protocol assignments (RFC 6890); metadata of Oracle Cloud
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # 6to4 relays, deprecated (RFC 7526)
    "192.168.0.0/16",  # RFC 1918
    "198.18.0.0/15",  # benchmarks (RFC 2544)
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/3",  # multicast, reserved, broadcast
)
_PRIVATE_6 = (
    "100::/64",  # discard (RFC 6666)
    "2001::/23",  # protocol assignments; Teredo (2001::/32) is among them
    "2001:db8::/32",  # documentation
    "3fff::/20",  # documentation (RFC 9637)
    "64:ff9b:1::/48",  # NAT64 of a local network (RFC 8215)
)
_GLOBAL_6 = "2000::/3"
_NAT64 = "64:ff9b::/96"  # RFC 6052
_SIX_TO_FOUR = "2002::/16"  # RFC 3056
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)  # RFC 5214: the upper half of the interface identifier


def parse_ip(text: str) -> _Address | None:
    """Return the address that ``text`` is, IPv4-mapped IPv6 as IPv4; None for a name, a zone or another spelling."""
    if "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


@lru_cache(maxsize=4096)
def is_private(ip: str) -> bool:
    """Whether ``ip`` is not an address of the public internet; what is no address counts as private.

    IPv4 addresses inside of IPv6 ones (mapped, compatible, NAT64, 6to4, ISATAP) are looked at as themselves.
    """
    address = parse_ip(ip)
    if address is None:
        return True
    if isinstance(address, IPv4Address):
        return any(address in _network(text) for text in _PRIVATE_4)
    inner = _embedded(address)
    if inner is not None and is_private(str(inner)):
        return True
    if address in _network(_NAT64):
        return False
    return address not in _network(_GLOBAL_6) or any(address in _network(text) for text in _PRIVATE_6)


@cache
def _network(text: str) -> IPv4Network | IPv6Network:
    """Return the network; a run that declares no host asks for none."""
    return ip_network(text)


def _embedded(address: IPv6Address) -> IPv4Address | None:
    number = int(address)
    if address in _network(_SIX_TO_FOUR):
        return IPv4Address(number >> 80 & 0xFFFF_FFFF)
    if address in _network(_NAT64) or number >> 32 & 0xFFFF_FFFF in _ISATAP:
        return IPv4Address(number & 0xFFFF_FFFF)
    return None
