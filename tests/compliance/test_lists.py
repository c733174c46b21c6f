"""Watch-list files: read whole, or refused whole with the line named."""

import gzip
import tracemalloc
from dataclasses import replace

import pytest

from services.compliance.data import DEMO_LIST, demo_names
from services.compliance.domain import lists
from services.compliance.domain.lists import ListRefused, in_parts, read_list
from services.compliance.domain.lists.difference import difference, lost
from services.compliance.domain.lists.facts import country_from, date_from
from services.compliance.domain.lists.party import ListedParty, party_of
from services.compliance.domain.names.spelling import spell

EMPTY = ",-0- ,-0- ,-0- ,-0- ,-0- ,-0- "
REMARKS = (
    "DOB 03 Feb 1901; alt. DOB 1901; alt. DOB 1899 to 1902; POB Lyon, France; nationality France;"
    " Passport A1234567 (Belgium) expires 01 Jan 1930; Passport A1234567 (Belgium); Tax ID No. 00-123;"
    " Digital Currency Address - XBT 1BoatSLRHtKNngkdXEeobR76b53LETtpyT; Gender Male; a.k.a. 'NEMO'."
)
SDN = (
    f'36,"AEROPHANTOM AIRLINES",-0- ,"DEMO",-0- {EMPTY},-0- \r\n'
    f'4234,"NOBODY, Jan \'X\'","individual","DEMO] [OTHER","Captain"{EMPTY},"{REMARKS}"\r\n'
    '5000,"GHOST","vessel","DEMO",-0- ,"CL1","Tug",-0- ,"212","Cuba","Nobody S.A.",'
    '"Vessel Registration Identification IMO 9074729."\r\n'
    "\x1a"
).encode()
ALT = (
    b'36,12,"aka","AERO-PHANTOM",-0- \r\n'
    b'4234,57,"fka","NOBODY, J.",-0- \r\n'
    b'36,58,"aka","AERO-PHANTOM",-0- \r\n'
    b"\x1a"
)
ADD = b'36,25,"1 Nowhere Street","Atlantis","Cyprus",-0- \r\n36,26,-0- ,-0- ,-0- ,-0- \r\n\x1a'
COMMENTS = b'36,"a remark that goes on"\r\n\x1a'


def test_ofacs_files_are_read_with_all_they_tell_of_an_entry():
    """The form of sdn.csv, alt.csv, add.csv and the comments, as the Treasury publishes them."""
    read = read_list([("alt.csv", ALT), ("sdn.csv", SDN), ("add.csv", ADD), ("sdn_comments.csv", COMMENTS)])
    assert (read.form, read.remarks) == ("OFAC, CSV", ())
    assert read.entries == (
        ListedParty(
            entry_id="36",
            kind="organisation",
            names=("AEROPHANTOM AIRLINES", "AERO-PHANTOM"),
            programmes=("DEMO",),
            countries=("CY",),
            addresses=("1 Nowhere Street, Atlantis, Cyprus",),
            remarks="a remark that goes on",
        ),
        ListedParty(
            entry_id="4234",
            kind="person",
            names=("NOBODY, Jan 'X'", "NOBODY, J."),
            programmes=("DEMO", "OTHER"),
            weak_names=("NEMO",),
            birth_dates=("1901-02-03", "1901", "1899/1902"),
            countries=("FR", "BE"),
            identifiers=("passport:A1234567", "tax_id:00123", "crypto:1BoatSLRHtKNngkdXEeobR76b53LETtpyT"),
            remarks="Captain " + REMARKS,
        ),
        ListedParty(
            entry_id="5000",
            kind="vessel",
            names=("GHOST",),
            programmes=("DEMO",),
            countries=("CU",),
            identifiers=("imo:9074729",),
            remarks="call sign CL1 Vessel Registration Identification IMO 9074729.",
        ),
    )
    assert read.names == 6


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
        [("sdn.csv", SDN), ("alt.csv", ALT[:-5])],
        "alt.csv, line 3: the line's last",
    ),
    "cut off in an address": ([("sdn.csv", SDN), ("add.csv", ADD[:40])], "add.csv, line 1: the line"),
    "cut off after a field": ([("sdn.csv", SDN[:60])], "sdn.csv, line 1"),
    "cut off packed": ([("sdn.csv.gz", gzip.compress(SDN)[:-12])], "sdn.csv.gz, line 1: the gzip file"),
    "a web page": (
        [("x.html", b"<!DOCTYPE html>\n<p>Not found</p>\n")],
        "x.html, line 1: this is a web page",
    ),
    "other XML": ([("x.xml", b"<rss><item/></rss>")], "x.xml, line 1: <rss> is no list"),
    "UTF-16": (
        [("sdn.csv", SDN.decode().encode("utf-16"))],
        "sdn.csv, line 1: the file is in another encoding",
    ),
    "Windows-1251": (
        [("sdn.csv", SDN.replace(b"NOBODY, Jan", "НИКТО, Ђорђе".encode("cp1251")))],
        "sdn.csv, line 2: the file is in another encoding",
    ),
    "foreign width": ([("x.csv", b"a,b,c\n1,2,3\n")], "x.csv, line 1: this is no form of a list"),
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


TOO_LARGE = {
    "packed": [("x.xml.gz", gzip.compress(b"<" + b" " * 50_000_000))],
    "plain": [("x.xml", b"<" + b" " * 2_000_000)],
    "together": [("sdn.csv", SDN + b" " * 600_000), ("alt.csv.gz", gzip.compress(ALT + b" " * 600_000))],
}


@pytest.mark.parametrize("files", TOO_LARGE.values(), ids=TOO_LARGE)
def test_a_file_that_unpacks_to_more_than_any_list_has_is_refused_before_it_is_unpacked(
    files: list[tuple[str, bytes]], monkeypatch: pytest.MonkeyPatch
):
    """A megabyte of gzip may hold a gigabyte: neither memory nor time is spent on it."""
    monkeypatch.setattr(lists, "UNPACKED_BYTES_MAX", 1_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(ListRefused, match="there is more in the file than 1,000,000 bytes") as refused:
            read_list(files)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
    assert refused.value.file == files[-1][0]


def test_a_file_of_addresses_may_lack_the_end_of_its_very_last_null():
    """Known public copies do; it holds no name, and the missing end mark is remarked on."""
    cut = ADD.removesuffix(b" \r\n\x1a").removesuffix(b"-")
    read = read_list([("sdn.csv", SDN), ("alt.csv", ALT), ("add.csv", cut)])
    assert read.entries[0].countries == ("CY",)
    assert [remark.split()[0] for remark in read.remarks] == ["add.csv", "There"]


def test_comments_on_entries_of_the_other_list_are_left_out_with_a_remark():
    """OFAC's two lists share one file of them."""
    comments = b'36,"more"\r\n99,"of the other list"\r\n\x1a'
    read = read_list([("sdn.csv", SDN), ("alt.csv", ALT), ("add.csv", ADD), ("comments.csv", comments)])
    assert read.remarks == ("1 comments in comments.csv are on entries that sdn.csv has not.",)
    assert read.entries[0].remarks == "more"


# ── our own form ──────────────────────────────────────────────────────────────────────────────────


def internal(*lines: str, end: str = "\n", more: str = "") -> list[tuple[str, bytes]]:
    """Make a file of our own form."""
    header = f"entry_id,kind,name,programmes{more}\n"
    return [("own.csv", (header + "\n".join(lines) + end).encode())]


def test_our_own_form_is_read():
    """One line a name; further lines of an entry add names."""
    read = read_list(
        internal("A-1,person,Zoë Q.,P1;P2", 'B-1,vessel,"GHOST, THE",', "A-1,person,Zoe Q.,P1;P2")
    )
    assert (read.form, read.names) == ("internal list, CSV", 3)
    assert read.entries == (
        ListedParty(entry_id="A-1", kind="person", names=("Zoë Q.", "Zoe Q."), programmes=("P1", "P2")),
        ListedParty(entry_id="B-1", kind="vessel", names=("GHOST, THE",), programmes=()),
    )


def test_our_own_form_may_tell_more_of_an_entry():
    """The columns that other publishers have, too, in any order."""
    [entry] = read_list(
        internal(
            "A,person,Zoe Q.,P,FR;Belgium,1962-09-08;circa 1960,passport:X 123;bic:ABCDFRPP,,1 Road,asked",
            "A,person,Zo,P,,,,weak,,",
            more=",countries,birth_dates,identifiers,strength,addresses,remarks",
        )
    ).entries
    assert entry == ListedParty(
        entry_id="A",
        kind="person",
        names=("Zoe Q.",),
        programmes=("P",),
        weak_names=("Zo",),
        birth_dates=("1962-09-08", "1960"),
        countries=("FR", "BE"),
        identifiers=("passport:X123", "bic:ABCDFRPP"),
        addresses=("1 Road",),
        remarks="asked",
    )


INTERNAL_REFUSED = [
    (internal("A-1,person,Zoe,P", end=""), "own.csv, line 2: the last line has no end"),
    (internal("A-1,person,Zoe"), "own.csv, line 2: the row has 3 fields"),
    (internal("A-1,alien,Zoe,"), "own.csv, line 2: the kind is none of"),
    (internal("A-1,person,Zoe,", "A-2,person, ,"), "own.csv, line 3: the name is empty"),
    (internal("A 1,person,Zoe,"), "own.csv, line 2: the entry id"),
    (internal("A-1,person,Zoe,", "A-1,vessel,Zoe,"), "own.csv, line 3: another line of this entry"),
    (internal("A-1,person,Zoe,P", "A-1,person,Zo,Q"), "own.csv, line 3: another line of this entry"),
    (internal("A-1,person,Zoe,", ""), "own.csv, line 3: the row has 0 fields"),
    (internal('A-1,person,"Zoe,'), "own.csv, line 2: the row cannot be read"),
    (internal("A,person,Zoe,,red", more=",colour"), "own.csv, line 1: there is no column 'colour'"),
    (internal("A,person,Zoe,,strong", more=",strength"), "own.csv, line 2: the strength"),
    (internal("A,person,Zoe,,soon", more=",birth_dates"), "own.csv, line 2: a birth date has no year"),
    (internal("A,person,Zoe,,Utopia", more=",countries"), "own.csv, line 2: a country"),
    (internal("A,person,Zoe,,X123", more=",identifiers"), "own.csv, line 2: an identifier"),
    ([("own.csv", b"entry_id,kind,name,programmes\n")], "own.csv, line 2: the file has no entries"),
    (
        [("own.csv", b"entry_id,kind,name,programmes\nA,person,\xff,\n")],
        "own.csv, line 2: the line is not UTF-8",
    ),
    ([*internal("A,person,B,"), ("sdn.csv", SDN)], "sdn.csv, line 1: own.csv is a whole list by itself"),
]


@pytest.mark.parametrize(("files", "message"), INTERNAL_REFUSED)
def test_a_list_of_our_own_that_is_not_whole_is_refused_with_the_line(
    files: list[tuple[str, bytes]], message: str
):
    """As with OFAC's form."""
    with pytest.raises(ListRefused) as refused:
        read_list(files)
    assert str(refused.value).startswith(message)


# ── other publishers ──────────────────────────────────────────────────────────────────────────────

UN = """<?xml version="1.0" encoding="UTF-8"?>
<CONSOLIDATED_LIST dateGenerated="2026-01-01T00:00:00Z"><INDIVIDUALS><INDIVIDUAL>
<DATAID>7</DATAID><FIRST_NAME>ZOE</FIRST_NAME><SECOND_NAME>NOBODY</SECOND_NAME><THIRD_NAME></THIRD_NAME>
<UN_LIST_TYPE>DEMO</UN_LIST_TYPE><REFERENCE_NUMBER>DMi.007</REFERENCE_NUMBER>
<NAME_ORIGINAL_SCRIPT>زوي</NAME_ORIGINAL_SCRIPT>
<NATIONALITY><VALUE>Iran (Islamic Republic of)</VALUE></NATIONALITY>
<INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY><ALIAS_NAME>Zoé N.</ALIAS_NAME></INDIVIDUAL_ALIAS>
<INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY><ALIAS_NAME>Zo</ALIAS_NAME></INDIVIDUAL_ALIAS>
<INDIVIDUAL_ALIAS><QUALITY/><ALIAS_NAME/></INDIVIDUAL_ALIAS>
<INDIVIDUAL_ADDRESS><CITY>Nowhere</CITY><COUNTRY>Syrian Arab Republic</COUNTRY></INDIVIDUAL_ADDRESS>
<INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>EXACT</TYPE_OF_DATE><DATE>1962-09-08</DATE></INDIVIDUAL_DATE_OF_BIRTH>
<INDIVIDUAL_DATE_OF_BIRTH><FROM_YEAR>1960</FROM_YEAR><TO_YEAR>1964</TO_YEAR></INDIVIDUAL_DATE_OF_BIRTH>
<INDIVIDUAL_DOCUMENT><TYPE_OF_DOCUMENT>Passport</TYPE_OF_DOCUMENT>
<NUMBER>A 12-3</NUMBER></INDIVIDUAL_DOCUMENT>
</INDIVIDUAL></INDIVIDUALS><ENTITIES><ENTITY><DATAID>8</DATAID><FIRST_NAME>NOWHERE TRADING</FIRST_NAME>
<UN_LIST_TYPE>DEMO</UN_LIST_TYPE>
<ENTITY_ALIAS><QUALITY>a.k.a.</QUALITY><ALIAS_NAME>NWT</ALIAS_NAME></ENTITY_ALIAS>
</ENTITY></ENTITIES></CONSOLIDATED_LIST>
"""
EU_XML = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<export xmlns="http://eu.europa.ec/fpi/fsd/export" generationDate="2026-01-01T00:00:00.000+01:00">
<sanctionEntity designationDetails="" unitedNationId="" euReferenceNumber="EU.7.1" logicalId="7">
<remark>asked twice</remark><regulation regulationType="amendment" programme="DEMO" logicalId="1"/>
<subjectType code="person" classificationCode="P"/>
<nameAlias firstName="Zoe" middleName="" lastName="Nobody" wholeName="Zoe Nobody" strong="true"/>
<nameAlias firstName="" middleName="" lastName="" wholeName="Zo" strong="false"/>
<citizenship countryIso2Code="IR" countryDescription="IRAN"/>
<birthdate circa="false" birthdate="1962-09-08" year="1962"/>
<birthdate circa="true" yearRangeFrom="1960" yearRangeTo="1964"/>
<address city="Nowhere" countryIso2Code="SY" countryDescription="SYRIA"/>
<identification number="A 12-3" identificationTypeCode="passport" countryIso2Code="00"/>
</sanctionEntity><sanctionEntity logicalId="8"><subjectType code="enterprise" classificationCode="E"/>
<nameAlias wholeName="NOWHERE TRADING"/></sanctionEntity></export>
"""
EU_CSV = (
    "\ufefffileGenerationDate;Entity_LogicalId;Entity_EU_ReferenceNumber;Entity_SubjectType_ClassificationCode;"
    "Entity_Regulation_Programme;NameAlias_LastName;NameAlias_FirstName;NameAlias_MiddleName;NameAlias_WholeName;"
    "Citizenship_CountryIso2Code;BirthDate_BirthDate;Address_City;Address_CountryIso2Code;Identification_Number;"
    "Identification_TypeCode\n"
    "01/01/2026;7;EU.7.1;person;DEMO;Nobody;Zoe;;Zoe Nobody;;;;;;\n"
    '01/01/2026;7;EU.7.1;person;DEMO;;;;"Zo; the Swift";IR;1962-09-08;;;;\n'
    "01/01/2026;7;EU.7.1;person;DEMO;;;;;;;Nowhere;SY;A 12-3;passport\n"
    "01/01/2026;8;;enterprise;DEMO;;;;NOWHERE TRADING;;;;;;\n"
)
OFSI_CSV = (
    "Last Updated,01/01/2026\r\n"
    "Name 6,Name 1,Name 2,Name 3,Title,Name Non-Latin Script,DOB,Nationality,Passport Number,Address 1,"
    "Country,Other Information,Group Type,Alias Type,Alias Quality,Regime,Group ID\r\n"
    'NOBODY,Zoe,,,Ms,زوي,08/09/1962,"(1) Iran (2) Syria",A 12-3,Nowhere,Syria,asked twice,Individual,'
    "Primary name,,Demo,7\r\n"
    "ZO,,,,,,00/00/1961,,,,,,Individual,AKA,Low quality,Demo,7\r\n"
    "NOWHERE TRADING,,,,,,,,,,,,Entity,Primary name,,Demo,8\r\n"
)
OFSI_XML = """<?xml version="1.0" encoding="utf-8"?>
<ArrayOfFinancialSanctionsTarget xmlns="http://schemas.hmtreasury.gov.uk/ofsi/consolidatedlist">
<FinancialSanctionsTarget><name1>Zoe</name1><name2/><Name6>NOBODY</Name6><GroupTypeDescription>Individual
</GroupTypeDescription><AliasQuality/><RegimeName>Demo</RegimeName><Individual_DateOfBirth>08/09/1962
</Individual_DateOfBirth><Individual_Nationality>Iran</Individual_Nationality><Country>Syria</Country>
<Individual_PassportNumber>A 12-3</Individual_PassportNumber><GroupID>7</GroupID></FinancialSanctionsTarget>
<FinancialSanctionsTarget><Name6>ZO</Name6><GroupTypeDescription>Individual</GroupTypeDescription>
<AliasQuality>Low quality</AliasQuality><GroupID>7</GroupID></FinancialSanctionsTarget>
<FinancialSanctionsTarget><Name6>NOWHERE TRADING</Name6><GroupTypeDescription>Entity</GroupTypeDescription>
<GroupID>8</GroupID></FinancialSanctionsTarget></ArrayOfFinancialSanctionsTarget>
"""
UKSL_XML = """<?xml version="1.0" encoding="utf-8"?>
<Designations><DateGenerated>01/01/2026</DateGenerated><Designation><UniqueID>7</UniqueID><Names>
<Name><Name1>Zoe</Name1><Name6>NOBODY</Name6><NameType>Primary Name</NameType></Name>
<Name><Name6>ZO</Name6><NameType>Alias</NameType>
<AliasStrength>Low Quality a.k.a</AliasStrength></Name></Names>
<NonLatinNames><NonLatinName><NameNonLatinScript>زوي</NameNonLatinScript></NonLatinName></NonLatinNames>
<RegimeName>Demo</RegimeName><IndividualEntityShip>Individual</IndividualEntityShip>
<Addresses><Address><AddressLine1>Nowhere</AddressLine1><AddressCountry>Syria</AddressCountry></Address></Addresses>
<IndividualDetails><Individual><DOBs><DOB>08/09/1962</DOB><DOB>dd/mm/1961</DOB></DOBs>
<Nationalities><Nationality>Iran</Nationality></Nationalities>
<PassportDetails><Passport><PassportNumber>A 12-3</PassportNumber></Passport></PassportDetails></Individual>
</IndividualDetails></Designation><Designation><UniqueID>8</UniqueID><Names>
<Name><Name6>NOWHERE TRADING</Name6></Name></Names>
<IndividualEntityShip>Entity</IndividualEntityShip></Designation></Designations>
"""
UKSL_CSV = (
    "Report Date: 01-Jan-2026\n"
    '"Last Updated","Unique ID","Name 6","Name 1","Name type","Alias strength","Name non-latin script",'
    '"Regime Name","Designation Type","D.O.B","Nationality(/ies)","Passport number","Address Country"\n'
    '"x","7","NOBODY","Zoe","Primary Name","","زوي","Demo","Individual","08/09/1962|dd/mm/1961",'
    '"Iran","A 12-3","Syria"\n'
    '"x","7","ZO","","Alias","Low quality a.k.a","","Demo","Individual","","","",""\n'
    '"x","8","NOWHERE TRADING","","Primary Name","","","Demo","Entity","","","",""\n'
)
FTM = (
    '{"id":"7","schema":"Person","target":true,"properties":{"name":["Zoe Nobody"],"weakAlias":["Zo"],'
    '"birthDate":["1962-09-08"],"nationality":["ir"],"country":["sy"],"topics":["sanction"]}}\n'
    '{"id":"p","schema":"Passport","target":false,"properties":{"holder":["7"],"number":["A 12-3"],'
    '"type":["passport"]}}\n'
    '{"id":"s","schema":"Sanction","target":false,"properties":{"entity":["7"],"program":["DEMO"]}}\n'
    '{"id":"8","schema":"Company","target":true,"properties":{"name":["NOWHERE TRADING"],'
    '"swiftBic":["NOWHCYNX"]}}\n'
    '{"id":"9","schema":"Person","target":false,"properties":{"name":["Jane Doe"]}}\n'
)
OTHERS = {
    "UN consolidated list, XML": UN,
    "EU consolidated list, XML": EU_XML,
    "EU consolidated list, CSV": EU_CSV,
    "OFSI consolidated list, CSV": OFSI_CSV,
    "OFSI consolidated list, XML": OFSI_XML,
    "UK Sanctions List, XML": UKSL_XML,
    "UK Sanctions List, CSV": UKSL_CSV,
    "FollowTheMoney, JSON lines": FTM,
}


@pytest.mark.parametrize("form", OTHERS)
def test_every_publishers_form_tells_the_same_of_an_entry(form: str):
    """The same two parties in each; what they are screened by must not depend on who lists them."""
    read = read_list([("list", OTHERS[form].encode())])
    person, organisation = read.entries
    assert read.form == form
    assert (person.entry_id, person.kind) == ("7", "person")
    assert spell(person.names[0]).key == "nobody zoe"
    assert person.birth_dates[0] == "1962-09-08"
    assert set(person.countries) == {"IR", "SY"}
    assert person.identifiers == ("passport:A123",)
    assert person.programmes[-1].upper() == "DEMO"
    weak = person.names if form == "EU consolidated list, CSV" else person.weak_names
    assert any(spell(name).parts[0] == "zo" for name in weak)
    assert (organisation.entry_id, organisation.kind) == ("8", "organisation")
    assert organisation.names[0] == "NOWHERE TRADING"


@pytest.mark.parametrize("form", OTHERS)
def test_a_surname_that_the_publisher_names_stands_first(form: str):
    """So that a match without the surname can be told from one without a middle name."""
    [first, *_] = read_list([("list", OTHERS[form].encode())]).entries[0].names
    assert spell(first).surname == (
        0 if form in ("UN consolidated list, XML", "FollowTheMoney, JSON lines") else 1
    )


@pytest.mark.parametrize("form", OTHERS)
def test_no_list_is_taken_that_is_cut_off_within_a_line(form: str):
    """Half a list is worse than none: who is missing would not be noticed."""
    content = OTHERS[form].encode()
    for end in range(1, len(content.rstrip())):
        if "XML" not in form and content[:end].endswith(b"\n"):
            continue  # whole lines may be missing: that is seen by how few entries there are
        with pytest.raises(ListRefused) as refused:
            read_list([("list", content[:end])])
        assert refused.value.file == "list"


XML_FORMS = [form for form in OTHERS if "XML" in form]


@pytest.mark.parametrize("form", XML_FORMS)
def test_xml_with_a_document_type_is_refused(form: str):
    """Entities expand without end and fetch files; no publisher uses them."""
    bomb = '<!DOCTYPE x [<!ENTITY a "NOBODY"><!ENTITY b SYSTEM "file:///etc/hostname">]>'
    content = OTHERS[form].replace("?>", f"?>{bomb}", 1).replace("NOWHERE TRADING", "&a;&b;")
    with pytest.raises(ListRefused, match="declares a document type"):
        read_list([("list.xml", content.encode())])


def test_xml_nested_without_end_is_refused():
    """A list is a few levels deep."""
    with pytest.raises(ListRefused, match="nested too deeply"):
        read_list([("list.xml", b"<export>" + b"<a>" * 100_000)])


OTHERS_REFUSED: dict[str, tuple[str, str]] = {
    "UN without entities": (UN.replace("ENTITIES>", "OTHERS>"), "list, line 2: the list has no ENTITIES"),
    "UN id twice": (UN.replace("<DATAID>8", "<DATAID>7"), "list, line 15: the DATAID 7 occurs twice"),
    "UN nameless": (
        UN.replace("NOWHERE TRADING", " ").replace("NWT", ""),
        "list, line 15: an ENTITY has no DATAID or no",
    ),
    "EU id twice": (
        EU_XML.replace('logicalId="8"', 'logicalId="7"'),
        "list, line 13: the logicalId 7 occurs twice",
    ),
    "EU nameless": (
        EU_XML.replace("NOWHERE TRADING", ""),
        "list, line 13: a sanctionEntity has no logicalId or no name",
    ),
    "EU empty": ("<export></export>", "list, line 1: the list has no entries"),
    "EU row too short": (EU_CSV.replace(";SY;A", ";A"), "list, line 4: the row has 14 fields instead of 15"),
    "EU row without id": (EU_CSV.replace(";8;;e", ";;;e"), "list, line 5: the row has no Entity_LogicalId"),
    "EU row nameless": (EU_CSV.replace("NOWHERE TRADING", ""), "list: the entry 8 has no name"),
    "OFSI row without id": (OFSI_CSV.replace("Demo,8", "Demo,"), "list, line 5: the row has no id"),
    "OFSI nameless": (OFSI_XML.replace("NOWHERE TRADING", ""), "list: the entry 8 has no name"),
    "UK nameless": (UKSL_XML.replace("NOWHERE TRADING", ""), "list: the entry 8 has no name"),
    "UK without id": (
        UKSL_XML.replace("<UniqueID>8<", "<UniqueID><"),
        "list, line 12: a Designation has no UniqueID",
    ),
    "FTM not JSON": (FTM.replace('{"id":"8"', '{"id":8"'), "list, line 4: the line is not JSON"),
    "FTM no entity": (FTM + "[]\n", "list, line 6: the line is no entity"),
    "FTM without schema": (
        FTM.replace('"schema":"Company"', '"a":1'),
        "list, line 4: the entity has no id, schema",
    ),
    "FTM id twice": (FTM.replace('"id":"8"', '"id":"7"'), "list, line 4: the id occurs twice"),
    "FTM without target": (
        FTM.replace('"target":true', '"target":false'),
        "list: the file has no named target",
    ),
}


@pytest.mark.parametrize(("content", "message"), OTHERS_REFUSED.values(), ids=OTHERS_REFUSED)
def test_a_list_of_others_that_is_not_whole_is_refused(content: str, message: str):
    """The publisher's mistake or the line's; the version before stays."""
    with pytest.raises(ListRefused) as refused:
        read_list([("list", content.encode())])
    assert str(refused.value).startswith(message)


def test_in_ftm_all_are_targets_where_nobody_says_who_is():
    """Lists made by others leave the mark out."""
    content = FTM.replace('"target":true,', "").replace('"target":false,', "")
    assert len(read_list([("list", content.encode())]).entries) == 3


DATES = [
    ("08 Sep 1962", "1962-09-08"),
    ("September 1962", "1962-09"),
    ("circa 1962", "1962"),
    ("1960 to 1965", "1960/1965"),
    ("01 Jan 1946 to 31 Dec 1948", "1946/1948"),
    ("08/09/1962", "1962-09-08"),
    ("00/00/1962", "1962"),
    ("dd/mm/1962", "1962"),
    ("1962-09-08T00:00:00Z", "1962-09-08"),
    ("1962-99-99", "1962"),
    ("unknown", ""),
]


@pytest.mark.parametrize(("text", "date"), DATES)
def test_a_date_is_read_as_far_as_it_is_known(text: str, date: str):
    """Publishers give days, months, years, spans, and words."""
    assert date_from(text) == date


@pytest.mark.parametrize(
    ("text", "code"),
    [("Iran, Islamic Republic of", "IR"), ("KOREA, NORTH", "KP"), ("gb", "GB"), ("Utopia", ""), ("", "")],
)
def test_a_country_is_known_by_its_usual_names_and_its_code(text: str, code: str):
    """Each publisher has its own way."""
    assert country_from(text) == code


def test_a_list_is_cut_into_parts_that_fit_a_record():
    """A record is at most a megabyte; nothing may get lost or change its order."""
    entries = tuple(ListedParty(entry_id=str(n), kind="person", names=("N" * 300,)) for n in range(5000))
    parts = in_parts(entries)
    assert tuple(party_of(entry) for part in parts for entry in part) == entries
    assert len(parts) > 1
    assert all(sum(len(entry.model_dump_json()) for entry in part) < 450_000 for part in parts)


def test_the_demo_list_is_whole():
    """It is loaded by migrate, so there always is a list."""
    assert len(read_list([(DEMO_LIST.name, DEMO_LIST.read_bytes())]).entries) == len(demo_names()) >= 30


# ── what has changed ──────────────────────────────────────────────────────────────────────────────


def test_a_difference_says_what_was_added_removed_and_changed_and_in_what():
    """An officer sees what a new version brings; each entry is told once."""
    before = [ListedParty(n, "person", (f"Name {n}",)) for n in "abc"]
    after = [
        before[0],
        ListedParty("b", "person", ("Name b", "Alias"), remarks="new"),
        ListedParty("d", "vessel", ("D",)),
    ]
    found = difference(before, after)
    assert [each.entry_id for each in found.added] == ["d"]
    assert [each.entry_id for each in found.removed] == ["c"]
    assert [(each.after.entry_id, each.facts) for each in found.changed] == [("b", ("names", "remarks"))]
    assert difference(after, after) == difference([], [])


def test_another_list_has_lost_what_a_longer_one_has_not():
    """However many entries it has; a list is told by whom it names."""
    mine, theirs = (
        [ListedParty(each, "person", (each,)) for each in "abc"],
        [ListedParty(each, "person", (each,)) for each in "defghi"],
    )
    assert (lost(mine, theirs), lost(mine, [*theirs, *mine]), lost(mine, mine[:2])) == (3, 0, 1)


def test_parties_are_screened_again_against_what_can_make_a_new_match():
    """A new remark makes nobody alike; a new alias, birth date or passport may."""
    before = [ListedParty(n, "person", (f"Name {n}",)) for n in "abc"]
    after = [
        replace(before[0], remarks="new"),
        replace(before[1], identifiers=("passport:X12345",)),
        replace(before[2], programmes=("P",)),
        ListedParty("d", "person", ("Name d",)),
    ]
    assert [each.entry_id for each in difference(before, after).to_screen_against] == ["d", "b"]
