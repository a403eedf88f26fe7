"""Configurations for routers and programs, with the server, user name and token filled in."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class RouterConfiguration:
    """The configuration of one router or program."""

    title: str
    text: str


def router_configurations(public_url: str, username: str, token: str) -> list[RouterConfiguration]:
    """Give the texts; `home.invalid` is a host name, which routers require but we ignore."""
    url = urlsplit(public_url)
    server, https = url.netloc, url.scheme == "https"
    base = f"{public_url}/nic/update"
    return [
        RouterConfiguration(
            "FRITZ!Box",
            f"Update-URL   {base}?hostname=<domain>&myip=<ipaddr> "
            f"{base}?hostname=<domain>&myip=<ip6addr>\n"
            f"Domain name  home.invalid\nUser name    {username}\nPassword     {token}",
        ),
        RouterConfiguration(
            "OpenWrt (ddns-scripts, /etc/config/ddns)",
            "config service 'mediastreamer'\n"
            "\toption enabled '1'\n\toption lookup_host 'home.invalid'\n"
            "\toption domain 'home.invalid'\n"
            f"\toption username '{username}'\n\toption password '{token}'\n"
            f"\toption use_https '{1 if https else 0}'\n"
            "\toption interface 'wan'\n\toption ip_source 'network'\n\toption ip_network 'wan'\n"
            f"\toption update_url '{url.scheme}://[USERNAME]:[PASSWORD]@{server}/nic/update"
            "?hostname=[DOMAIN]&myip=[IP]'",
        ),
        RouterConfiguration(
            "DD-WRT · Asus (inadyn)",
            f"provider custom@mediastreamer {{\n    ssl = {'true' if https else 'false'}\n"
            f"    username = {username}\n    password = {token}\n"
            f"    ddns-server = {server}\n"
            '    ddns-path = "/nic/update?hostname=%h&myip=%i"\n    hostname = home.invalid\n}',
        ),
        RouterConfiguration(
            "Synology",
            f"Query URL    {base}?hostname=__HOSTNAME__&myip=__MYIP__\n"
            f"User name    {username}\nPassword     {token}",
        ),
        RouterConfiguration(
            "ddclient (/etc/ddclient.conf)",
            f"protocol=dyndns2\nssl={'yes' if https else 'no'}\nserver={server}\n"
            f"use=web, web={public_url}/address\n"
            f"login={username}\npassword='{token}'\nhome.invalid",
        ),
        RouterConfiguration("curl", f"curl -u {username}:{token} '{base}?hostname=home.invalid'"),
    ]
