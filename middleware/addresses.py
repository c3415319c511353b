"""Addresses: which of them only this machine reaches."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host; a name other than ``localhost`` is never trusted to be one."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
