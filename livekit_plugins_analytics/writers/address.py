"""Which addresses are the Internet's, and which this machine's or its network's."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

# NAT64 (RFC 6052): the last 32 bits are the IPv4 address that is meant.
_NAT64 = IPv6Network("64:ff9b::/96")
# All of IPv6 that is handed out for the Internet (RFC 4291). What else there is, such as the
# site-local addresses of old, no list of exceptions has to know.
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def is_public(text: str) -> bool:
    """Whether an address can be somebody else's machine on the Internet, and nothing nearer.

    An IPv6 address that stands for one of IPv4 is judged as that.

    Args:
        text: Of IPv4 or IPv6; with a scope ("%eth0") where it has one.

    Raises:
        ValueError: It is no address.
    """
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is None:
            return address in _GLOBAL_UNICAST and address.is_global
        address = inner
    return address.is_global and not address.is_multicast and not address.is_reserved
