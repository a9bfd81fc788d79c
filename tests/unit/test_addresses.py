"""Which URLs and addresses may be reached on a client's or a provider's word."""

import ipaddress

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.errors import FetchRefusedError
from atelier.outbound.url_policy import MAX_URL_LENGTH, UrlPolicy
from tests.cases import each

STRICT, LOCAL = UrlPolicy(), UrlPolicy(allow_loopback=True)
relaxed = settings(deadline=None)

SPECIAL_V4 = (
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
    "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
)  # fmt: skip
SPECIAL_V6 = (
    "::/128", "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64",
    "2001::/32", "2001:2::/48", "2001:10::/28", "2001:20::/28", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48",
    "3fff::/20", "4000::/3", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
)  # fmt: skip
LOOPBACK = ("127.0.0.1", "127.0.0.0", "127.1.2.3", "127.255.255.255", "::1", "0:0:0:0:0:0:0:1")
PUBLIC = (
    "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.167.255.255",
    "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2000::", "2001:200::1", "2001:4860:4860::8888",
    "2606:4700:4700::1111", "2a00:1450:4001:830::200e", "2001:db7:ffff::1", "2001:db9::1", "2003::1",
    "3ffe:ffff::1", "3fff:1000::1", "2606:4700::5eff:7f00:1", "2606:4700::1:5efe:7f00:1", "2606:4700:0:0:5efe::1",
)  # fmt: skip


def ends(block: str) -> list[str]:
    """Return a block's first, middle and last address."""
    network = ipaddress.ip_network(block)
    return [str(network[index]) for index in sorted({0, network.num_addresses // 2, network.num_addresses - 1})]


SPECIAL = [address for block in (*SPECIAL_V4, *SPECIAL_V6) for address in ends(block)]
EMBEDDED_PRIVATE = (
    "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:8.8.8.8", "::127.0.0.1",
    "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::",
    "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:80ff:fffe", "fd00:ec2::254", "fe80::1", "fe80::1%eth0",
    "fe80::1%1", "::1%lo", "fc00::1", "::", "2606:4700::5efe:7f00:1", "2606:4700::5efe:8.8.8.8",
    "2a00:1:2:3:200:5efe:a00:1", "2606:4700::1%eth0", "fd00:ec2::23",
)  # fmt: skip
NOT_ADDRESSES = (
    "", " ", "localhost", "example.com", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.0.0.1",
    "017700000001", "1.1.1.1 ", " 1.1.1.1", "1.1.1.1\n", "1.1.1", "1.1.1.1.", "01.1.1.1", "1.1.1.256", "[::1]", "::1]",
    "\u0661.1.1.1", "1.1.1.1/32", "\x00", "1\u30021\u30021\u30021",
)  # fmt: skip


def in_url(address: str) -> str:
    """Write an address as a URL's host."""
    return f"https://[{address}]/hook" if ":" in address else f"https://{address}/hook"


@each("address", [*SPECIAL, *EMBEDDED_PRIVATE])
def test_a_special_address_is_refused(address: str) -> None:
    for policy in (STRICT, LOCAL):
        if policy is LOCAL and ipaddress.ip_address(address).is_loopback:
            continue
        with pytest.raises(FetchRefusedError):
            policy.check_address(address)


@each("address", [*SPECIAL, *EMBEDDED_PRIVATE, *LOOPBACK])
def test_a_special_address_is_refused_in_a_url(address: str) -> None:
    for url in (in_url(address), in_url(address).replace("/hook", ":8443")):
        with pytest.raises(FetchRefusedError):
            STRICT.check_url(url)


@each("address", PUBLIC)
def test_a_public_address_is_accepted(address: str) -> None:
    for policy in (STRICT, LOCAL):
        policy.check_address(address)
        policy.check_url(in_url(address))


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_is_for_the_local_stack(address: str) -> None:
    with pytest.raises(FetchRefusedError):
        STRICT.check_address(address)
    LOCAL.check_address(address)
    LOCAL.check_url(in_url(address))


@each("text", NOT_ADDRESSES, ids=ascii)
def test_what_is_not_an_address_is_refused(text: str) -> None:
    for policy in (STRICT, LOCAL):
        with pytest.raises(FetchRefusedError):
            policy.check_address(text)


@relaxed
@given(st.ip_addresses())
def test_nothing_that_python_calls_special_is_accepted(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    special = not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified
    try:
        STRICT.check_address(str(address))
    except FetchRefusedError:
        return
    assert not special


EMBEDDINGS = {
    "mapped": "::ffff:{0:x}:{1:x}",
    "compatible": "::{0:x}:{1:x}",
    "translated": "::ffff:0:{0:x}:{1:x}",
    "NAT64": "64:ff9b::{0:x}:{1:x}",
    "local NAT64": "64:ff9b:1:{2:x}:{3:x}:{2:x}:{0:x}:{1:x}",
    "6to4": "2002:{0:x}:{1:x}:{2:x}::{3:x}",
    "Teredo's server": "2001:0:{0:x}:{1:x}:{2:x}:{3:x}:{2:x}:{3:x}",
    "Teredo's client": "2001:0:{2:x}:{3:x}:{2:x}:{3:x}:{4:x}:{5:x}",
    "ISATAP": "2606:4700:{2:x}:{3:x}:0:5efe:{0:x}:{1:x}",
    "public ISATAP": "2a00:{3:x}:{2:x}:{3:x}:200:5efe:{0:x}:{1:x}",
}


@pytest.mark.parametrize("form", EMBEDDINGS.values(), ids=EMBEDDINGS)
@relaxed
@given(st.ip_addresses(v=4), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF))
def test_no_address_that_embeds_an_ipv4_address_is_accepted(
    form: str, address: ipaddress.IPv4Address, some: int, other: int
) -> None:
    high, low = divmod(int(address), 0x1_0000)
    text = form.format(high, low, some, other, high ^ 0xFFFF, low ^ 0xFFFF)
    assert ipaddress.ip_address(text)
    with pytest.raises(FetchRefusedError):
        STRICT.check_address(text)
    with pytest.raises(FetchRefusedError):
        STRICT.check_url(in_url(text))


def in_base(value: int, base: str) -> str:
    return {"d": f"{value}", "x": f"0x{value:x}", "X": f"0X{value:X}", "o": f"0{value:o}", "0": f"{value:04}"}[base]


@relaxed
@given(
    st.ip_addresses(v=4),
    st.integers(1, 4),
    st.lists(st.sampled_from("dxXo0"), min_size=4, max_size=4),
    st.sampled_from(["", "."]),
)
def test_an_ipv4_address_is_accepted_in_its_one_spelling_only(
    address: ipaddress.IPv4Address, parts: int, bases: list[str], end: str
) -> None:
    """The C library reads one to four parts, the last of which stands for all the bytes that are left."""
    first, last = list(address.packed[: parts - 1]), int.from_bytes(address.packed[parts - 1 :], "big")
    host = ".".join(in_base(value, base) for value, base in zip([*first, last], bases, strict=False)) + end
    try:
        STRICT.check_url(f"https://{host}/")
    except FetchRefusedError:
        return
    assert host == str(address)
    assert address.is_global


@relaxed
@given(st.ip_addresses() | st.text())
def test_the_local_stack_adds_loopback_and_nothing_else(
    value: ipaddress.IPv4Address | ipaddress.IPv6Address | str,
) -> None:
    try:
        LOCAL.check_address(str(value))
    except FetchRefusedError:
        return
    if not ipaddress.ip_address(str(value)).is_loopback:
        STRICT.check_address(str(value))


@each(
    "url",
    [
        "https://your-server.com/api/webhook",
        "https://example.com",
        "https://example.com:443/",
        "https://example.com:8443/hook",
        "https://example.com:/hook",
        "https://example.com./hook",
        "https://xn--bcher-kva.example/hook",
        "https://a.b.c.example.co.uk/hook?key=a%20b&x=[1]#part",
        "https://1.2.3.4.example.com/",
        "https://0x7f.example.com/",
        "https://ex_ample.com/",
        "HTTPS://EXAMPLE.COM/HOOK",
        "https://example.com/http://127.0.0.1/",
        "https://example.com/@127.0.0.1",
        "https://example.com/?u=a@b:80",
        "https://example.com/" + "x" * (MAX_URL_LENGTH - len("https://example.com/")),
    ],
    ids=lambda url: url[:60],
)
def test_an_ordinary_url_is_accepted(url: str) -> None:
    for policy in (STRICT, LOCAL):
        assert policy.check_url(url).geturl().lower() == url.lower()


MALFORMED = (
    "", " ", "/", "//", "https:", "https:/", "https://", "https:///", "https:///path", "https://?x", "https://:443/",
    "example.com", "//example.com/hook", "/hook", "https:example.com", "https:/example.com", "https//example.com",
    "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "ws://example.com/", "data:text/plain,x",
    "javascript:alert(1)", "httpss://example.com/", "://example.com/", "https+unix://example.com/",
    "https://[::1", "https://::1]/", "https://[]/", "https://[example.com]/", "https://[127.0.0.1]/", "https://[v1.x]/",
    "https://example.com:99999/", "https://example.com:-1/", "https://example.com:https/", "https://example.com:44 3/",
    "https://user@example.com/", "https://user:pass@example.com/", "https://@example.com/", "https://:@example.com/",
    "https://example.com@127.0.0.1/", "https://example.com:443@127.0.0.1/", "https://a@b@example.com/",
    " https://example.com/", "https://example.com/ ", "https://exa mple.com/", "https://example.com/a b",
    "https://example.com/\n", "https://example.com/\r\nX: y", "https://exa\tmple.com/", "\thttps://example.com/",
    "https://example.com/\x00", "https://example.com/\x7f", "\x00https://example.com/", "https://example.com/\x1b[0m",
    "https://example.com\\@127.0.0.1/", "https:\\\\example.com\\", "https://example.com/\\", "https://exam<ple.com/",
    'https://example.com/"', "https://example.com/{x}", "https://example.com/|", "https://example.com/^",
    "https://example.com/`", "https://example.com/>", "https://b\u00fccher.example/", "https://example.com/\u00e9",
    "https://ex\u00e4mple.com/", "https://\uff11\uff12\uff17.0.0.1/", "https://127\u30020\u30020\u30021/",
    "https://\u2460.0.0.1/", "https://example.com\u2044path/", "https://\u202eexample.com/", "https://e\u00adxample.com/",
    "https://example.com/\ud800", "https://example.com/\u2028",
    "https://[2606:4700::1]80/", "https://[2606:4700::1].example.com/", "https://x[2606:4700::1]/",
    "https://[2606:4700::1]]/", "https://[2606:4700::1%25eth0]/", "https://[::ffff:1.1.1.1]x/", "https://:[2606::1]/",
    "https://127.0.0.%31/", "https://%31.1.1.1/", "https://exam%00ple.com/", "https://example.com,/", "https://a;b.com/",
    "https://example.com/" + "x" * (MAX_URL_LENGTH - len("https://example.com/") + 1), "https://" + "a." * 1_000_000,
)  # fmt: skip


@each("url", MALFORMED, ids=lambda url: ascii(url[:60]))
def test_a_malformed_url_is_refused(url: str) -> None:
    for policy in (STRICT, LOCAL):
        with pytest.raises(FetchRefusedError):
            policy.check_url(url)


@each("port", [0, 1, 21, 22, 25, 80, 442, 444, 3306, 4566, 5432, 6379, 8080, 8442, 9200, 65535])
def test_other_ports_are_refused(port: int) -> None:
    for policy in (STRICT, LOCAL):
        with pytest.raises(FetchRefusedError, match="port"):
            policy.check_url(f"https://example.com:{port}/hook")


@each(
    "host",
    [
        "localhost", "LOCALHOST", "localhost.", "intranet", "metadata", "com.", ".", "..", "...",
        "127.1", "127.0.1", "2130706433", "4294967295", "0", "0.0", "1", "0x7f000001", "0X7F000001", "0x7f.0.0.1",
        "0x7f.0x0.0x0.0x1", "0x7f.1", "127.0.0.0x1", "0177.0.0.1", "0177.0.0.01", "017700000001", "0177.1",
        "127.0.0.1.", "127.0.0.01", "127.000.000.001", "1.1.1.1.", "8.8.8.8.", "999.999.999.999", "1.2.3.4.5",
        "169.254.43518", "10.1", "192.168.257", "3232235777", "0xa9fea9fe", "0251.0376.0251.0376", "1.0x",
    ],
)  # fmt: skip
@each("end", ["", "/hook", ":443", ":8443/hook"])
def test_a_host_that_is_no_public_name_is_refused(host: str, end: str) -> None:
    with pytest.raises(FetchRefusedError):
        STRICT.check_url(f"https://{host}{end}")


OWNERS = UrlPolicy(ports=frozenset({8443, 10443}))


@pytest.mark.parametrize(
    "url", ["https://example.com:8443/", "https://example.com:10443/hook", "https://1.1.1.1:10443"]
)
def test_the_owner_lists_the_ports(url: str) -> None:
    OWNERS.check_url(url)


@pytest.mark.parametrize("port", ["", ":", ":443", ":0", ":444", ":18443"])
def test_the_owners_list_is_all_there_is_and_a_refusal_names_it(port: str) -> None:
    with pytest.raises(FetchRefusedError, match=r"port must be 8443 or 10443\.$"):
        OWNERS.check_url(f"https://example.com{port}/")


def test_a_listed_port_is_for_https_and_public_addresses_alone() -> None:
    for url in ("http://example.com:10443/", "https://127.0.0.1:10443/", "https://[::ffff:8.8.8.8]:8443/"):
        with pytest.raises(FetchRefusedError):
            OWNERS.check_url(url)


def test_plain_http_is_refused() -> None:
    for policy in (STRICT, LOCAL):
        for url in ("http://example.com/", "http://1.1.1.1/", "http://example.com:443/", "HTTP://example.com/"):
            with pytest.raises(FetchRefusedError, match="https://"):
                policy.check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost/hook",
        "http://localhost:4566/hook",
        "https://LOCALHOST:9/",
        "http://127.0.0.1:8080/hook",
        "https://127.1.2.3/",
        "http://[::1]:5000/hook",
    ],
)
def test_the_local_stack_may_use_loopback_at_any_port(url: str) -> None:
    LOCAL.check_url(url)
    with pytest.raises(FetchRefusedError):
        STRICT.check_url(url)


@each(
    "url",
    [
        "http://10.0.0.1/", "http://192.168.1.1:8080/", "http://169.254.169.254/", "http://0.0.0.0/", "http://[::]/",
        "http://[fe80::1]/", "http://[fd00:ec2::254]/", "http://127.0.0.1.example.com/", "http://localhost.example.com/",
        "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.0.0.1./",
        "http://localhost./", "http://localhosts/", "http://user@localhost/", "http://user:pass@127.0.0.1/",
        "ftp://localhost/", "file://localhost/etc/passwd", "http://localhost:99999/", "https://10.0.0.1/",
        "https://example.com:8080/",
    ],
)  # fmt: skip
def test_the_local_stack_may_use_nothing_else(url: str) -> None:
    with pytest.raises(FetchRefusedError):
        LOCAL.check_url(url)


@relaxed
@given(
    st.text() | st.text(st.characters(categories=["Cs"])) | st.text("htps:/.@[]0127%xlocaf#?").map("https://{}".format)
)
def test_no_text_raises_anything_but_the_one_error(url: str) -> None:
    for policy in (STRICT, LOCAL):
        try:
            parts = policy.check_url(url)
        except FetchRefusedError:
            continue
        assert parts.hostname
        assert parts.username is None


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(["https://example.com/", "https://1.1.1.1:443/x", "https://[2606:4700::1]/", "https://[::1]:8443"]),
    st.lists(st.tuples(st.integers(8, 24), st.text(".:[]@%/?#01ax", max_size=2)), min_size=1, max_size=3),
)
def test_what_is_accepted_means_the_same_to_httpx(url: str, insertions: list[tuple[int, str]]) -> None:
    for index, text in insertions:
        url = url[:index] + text + url[index:]
    for policy in (STRICT, LOCAL):
        try:
            parts = policy.check_url(url)
        except FetchRefusedError:
            continue
        sent = httpx.URL(url)
        assert (sent.host.lower(), sent.port or 443) == (parts.hostname, parts.port or 443)


def test_a_policy_is_strict_unless_told_otherwise() -> None:
    assert (UrlPolicy().allow_loopback, UrlPolicy().ports) == (False, frozenset({443, 8443}))
