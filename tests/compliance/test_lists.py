"""Watch-list files: read whole, or refused whole with the line named."""

import gzip

import pytest

from services.compliance.data import DEMO_LIST, demo_names
from services.compliance.domain.lists import ListRefused, in_parts, read_list
from shared.messages.acts import ListedName

EMPTY = ",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- "
SDN = (
    f'36,"AEROPHANTOM AIRLINES",-0- ,"DEMO"{EMPTY},-0- \r\n'
    f'4234,"NOBODY, Jan \'X\'","individual","DEMO] [OTHER"{EMPTY},"DOB 1901; a.k.a. \'NEMO\'."\r\n'
    '5000,"GHOST","vessel","DEMO",-0- ,"CL1","Tug",-0- ,"212","Cuba","Nobody S.A.",-0- \r\n'
    "\x1a"
).encode()
ALT = (
    b'36,12,"aka","AERO-PHANTOM",-0- \r\n'
    b'4234,57,"fka","NOBODY, J.",-0- \r\n'
    b'36,58,"aka","AERO-PHANTOM",-0- \r\n'
    b"\x1a"
)
ADD = b'36,25,-0- ,"Nowhere","Atlantis",-0- \r\n\x1a'
COMMENTS = b'36,"a remark that goes on"\r\n\x1a'


def test_ofacs_files_are_read_with_aliases():
    """The form of sdn.csv, alt.csv and add.csv as the Treasury publishes them."""
    read = read_list([("alt.csv", ALT), ("sdn.csv", SDN), ("add.csv", ADD), ("sdn_comments.csv", COMMENTS)])
    assert read.entries == (
        ListedName(
            entry_id="36",
            kind="organisation",
            names=("AEROPHANTOM AIRLINES", "AERO-PHANTOM"),
            programmes=("DEMO",),
        ),
        ListedName(
            entry_id="4234",
            kind="person",
            names=("NOBODY, Jan 'X'", "NOBODY, J."),
            programmes=("DEMO", "OTHER"),
        ),
        ListedName(entry_id="5000", kind="vessel", names=("GHOST",), programmes=("DEMO",)),
    )
    assert read.names == 5
    assert [remark.split()[0] for remark in read.remarks] == ["add.csv", "sdn_comments.csv"]


def test_packed_and_plain_files_are_the_same_version():
    """The hash is taken over what is in them, in whatever order they are named."""
    plain = read_list([("sdn.csv", SDN), ("alt.csv", ALT)])
    packed = read_list([("alt.csv.gz", gzip.compress(ALT)), ("sdn.csv.gz", gzip.compress(SDN))])
    assert (plain.entries, plain.sha256) == (packed.entries, packed.sha256)


def test_a_file_without_end_mark_is_taken_with_a_remark():
    """Some copies have lost it; that lines are missing could not be seen then."""
    read = read_list([("sdn.csv", SDN.removesuffix(b"\x1a")), ("alt.csv", ALT)])
    assert len(read.entries) == 3
    assert "sdn.csv has no end mark" in read.remarks[0]


REFUSED = {
    "nothing": ([], ""),
    "empty": ([("sdn.csv", b"")], "sdn.csv, line 1: the file is empty"),
    "only the end mark": ([("sdn.csv", b"\x1a")], "sdn.csv, line 1: the file is empty"),
    "cut off in a field": ([("sdn.csv", SDN[:120])], "sdn.csv, line 2"),
    "cut off in the last null": (
        [("sdn.csv", SDN[:-6])],
        "sdn.csv, line 3: the line's last field is cut off",
    ),
    "cut off after a field": ([("sdn.csv", SDN[:60])], "sdn.csv, line 1"),
    "cut off packed": ([("sdn.csv.gz", gzip.compress(SDN)[:-12])], "sdn.csv.gz, line 1: the gzip file"),
    "foreign": ([("x.html", b"<html>\n<p>Not found</p>\n</html>")], "x.html, line 1: this is neither"),
    "foreign width": ([("x.csv", b"a,b,c\n1,2,3\n")], "x.csv, line 1: this is neither"),
    "aliases alone": ([("alt.csv", ALT)], "alt.csv, line 1: the list's main file"),
    "twice": ([("a.csv", SDN), ("b.csv", SDN)], "b.csv, line 1: a file of this form is given twice"),
    "alias of nobody": (
        [("sdn.csv", SDN), ("alt.csv", b'99,1,"aka","X",-0- \r\n')],
        "alt.csv, line 1: entry 99 is not in sdn.csv",
    ),
    "same entry twice": ([("sdn.csv", SDN[:-1] + SDN)], "sdn.csv, line 4: the entry number occurs twice"),
    "after the end mark": (
        [("sdn.csv", SDN + b"more\r\n")],
        "sdn.csv, line 4: something follows the end mark",
    ),
    "unknown type": ([("sdn.csv", SDN.replace(b"vessel", b"planet"))], "sdn.csv, line 3: the type"),
    "no name": ([("sdn.csv", SDN.replace(b'"GHOST"', b"-0- "))], "sdn.csv, line 3: the name is missing"),
    "no number": ([("sdn.csv", SDN.replace(b"5000,", b"5k,"))], "sdn.csv, line 3: the entry number"),
    "broken quotes": (
        [("sdn.csv", SDN.replace(b'"GHOST"', b'"GHO"ST"'))],
        "sdn.csv, line 3: the line cannot",
    ),
    "empty line": ([("sdn.csv", SDN.replace(b"\r\n5000", b"\r\n\r\n5000"))], "sdn.csv, line 3"),
}


@pytest.mark.parametrize(("files", "message"), REFUSED.values(), ids=REFUSED)
def test_a_list_that_is_not_whole_is_refused_with_the_line(files: list[tuple[str, bytes]], message: str):
    """Half a list is worse than none: who is missing would not be noticed."""
    with pytest.raises(ListRefused) as refused:
        read_list(files)
    assert str(refused.value).startswith(message)


def simple(*lines: str, end: str = "\n") -> list[tuple[str, bytes]]:
    """Make a file of the simple form."""
    return [("own.csv", ("entry_id,kind,name,programmes\n" + "\n".join(lines) + end).encode())]


def test_the_simple_form_is_read():
    """One line a name; further lines of an entry add names."""
    read = read_list(simple("A-1,person,Zoë Q.,P1;P2", 'B-1,vessel,"GHOST, THE",', "A-1,person,Zoe Q.,P1;P2"))
    assert read.entries == (
        ListedName(entry_id="A-1", kind="person", names=("Zoë Q.", "Zoe Q."), programmes=("P1", "P2")),
        ListedName(entry_id="B-1", kind="vessel", names=("GHOST, THE",), programmes=()),
    )


SIMPLE_REFUSED = [
    (simple("A-1,person,Zoe,P", end=""), "own.csv, line 2: the last line has no end"),
    (simple("A-1,person,Zoe"), "own.csv, line 2: the line has 3 fields"),
    (simple("A-1,alien,Zoe,"), "own.csv, line 2: the kind is none of"),
    (simple("A-1,person,Zoe,", "A-2,person, ,"), "own.csv, line 3: the name is empty"),
    (simple("A 1,person,Zoe,"), "own.csv, line 2: the entry id"),
    (simple("A-1,person,Zoe,", "A-1,vessel,Zoe,"), "own.csv, line 3: another line of this entry"),
    (simple("A-1,person,Zoe,", ""), "own.csv, line 3: the line has 0 fields"),
    (simple('A-1,person,"Zoe,'), "own.csv, line 2: the line cannot be read"),
    ([("own.csv", b"entry_id,kind,name,programmes\n")], "own.csv, line 2: the file has no entries"),
    (
        [("own.csv", b"entry_id,kind,name,programmes\nA,person,\xff,\n")],
        "own.csv, line 2: the line is not UTF-8",
    ),
    ([*simple("A,person,B,"), ("sdn.csv", SDN)], "sdn.csv, line 1: a list in the simple form is one file"),
]


@pytest.mark.parametrize(("files", "message"), SIMPLE_REFUSED)
def test_a_simple_list_that_is_not_whole_is_refused_with_the_line(
    files: list[tuple[str, bytes]], message: str
):
    """As with OFAC's form."""
    with pytest.raises(ListRefused) as refused:
        read_list(files)
    assert str(refused.value).startswith(message)


def test_a_list_is_cut_into_parts_that_fit_a_record():
    """A record is at most a megabyte; nothing may get lost or change its order."""
    entries = tuple(ListedName(entry_id=str(n), kind="person", names=("N" * 300,)) for n in range(5000))
    parts = in_parts(entries)
    assert tuple(entry for part in parts for entry in part) == entries
    assert len(parts) > 1
    assert all(sum(len(entry.model_dump_json()) for entry in part) < 450_000 for part in parts)


def test_the_demo_list_is_whole():
    """It is loaded by migrate, so there always is a list."""
    assert len(read_list([(DEMO_LIST.name, DEMO_LIST.read_bytes())]).entries) == len(demo_names()) >= 30
