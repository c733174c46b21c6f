"""Brings publishers' dates and countries to one form: ISO 8601, as far as they are known, and ISO 3166-1."""

import re
from typing import Final

from services.compliance.domain.countries import COUNTRIES

_MONTHS: Final = {
    name: f"{number:02}"
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], start=1
    )
}
_DAY_MONTH_YEAR: Final = re.compile(r"(?:(\d{1,2})[ -])?([A-Za-z]{3})[a-z]*[ -](\d{4})")
_NUMERIC: Final = re.compile(r"(?:(\d{1,2})|dd)[/.](?:(\d{1,2})|mm)[/.](\d{4})")
_ISO: Final = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?(?:T.*)?")
_RANGE: Final = re.compile(r"(\d{4})\s*(?:to|-|–|/|and)\s*(\d{4})")
_YEAR: Final = re.compile(r"\b(1[89]\d\d|20\d\d)\b")
_ABOUT: Final = re.compile(
    r"^(?:circa|c\.|approximately|approx\.|about|between|born(?: in)?)\s*", re.IGNORECASE
)


def date_from(text: str) -> str:
    """Return `1962-09-08`, `1962-09`, `1962` or `1960/1965`; empty where no year can be read.

    Reads "08 Sep 1962", "Sep 1962", "circa 1962", "1960 to 1965", "01 Jan 1960 to 31 Dec 1965", "08/09/1962"
    (day first), "00/00/1962", "dd/mm/1962" and ISO dates.
    """
    text = _ABOUT.sub("", text.strip())
    if found := _ISO.fullmatch(text):
        return _spelled(found[1], found[2], found[3])
    if found := _RANGE.fullmatch(text):
        return f"{found[1]}/{found[2]}" if found[1] <= found[2] else found[1]
    if found := _NUMERIC.fullmatch(text):
        return _spelled(found[3], found[2], found[1])
    if (found := _DAY_MONTH_YEAR.fullmatch(text)) and found[2].lower() in _MONTHS:
        return _spelled(found[3], _MONTHS[found[2].lower()], found[1])
    years: list[str] = _YEAR.findall(text)
    if len(years) == 2 and " to " in text and years[0] <= years[1]:
        return f"{years[0]}/{years[1]}"
    return years[0] if years else ""


def _spelled(year: str, month: str | None, day: str | None) -> str:
    if not month or not 1 <= int(month) <= 12:
        return year
    if not day or not 1 <= int(day) <= 31:
        return f"{year}-{int(month):02}"
    return f"{year}-{int(month):02}-{int(day):02}"


_COUNTRIES: Final = """
AD Andorra|AE United Arab Emirates;UAE|AF Afghanistan|AG Antigua and Barbuda|AI Anguilla|AL Albania
AM Armenia|AO Angola|AR Argentina|AT Austria|AU Australia|AW Aruba|AZ Azerbaijan
BA Bosnia and Herzegovina;Bosnia|BB Barbados|BD Bangladesh|BE Belgium|BF Burkina Faso|BG Bulgaria
BH Bahrain|BI Burundi|BJ Benin|BM Bermuda|BN Brunei;Brunei Darussalam
BO Bolivia;Bolivia (Plurinational State of)|BR Brazil|BS Bahamas;The Bahamas;Bahamas, The|BT Bhutan
BW Botswana|BY Belarus|BZ Belize|CA Canada
CD Congo, Democratic Republic of the;Democratic Republic of the Congo;Congo, Democratic Republic;DR Congo;DRC
CF Central African Republic|CG Congo;Republic of the Congo;Congo, Republic of the|CH Switzerland
CI Cote d Ivoire;Cote d'Ivoire;Ivory Coast|CK Cook Islands|CL Chile|CM Cameroon
CN China;People's Republic of China|CO Colombia|CR Costa Rica|CU Cuba|CV Cape Verde;Cabo Verde|CW Curacao
CY Cyprus|CZ Czech Republic;Czechia|DE Germany|DJ Djibouti|DK Denmark|DM Dominica|DO Dominican Republic
DZ Algeria|EC Ecuador|EE Estonia|EG Egypt|ER Eritrea|ES Spain|ET Ethiopia|FI Finland|FJ Fiji
FM Micronesia|FR France|GA Gabon
GB United Kingdom;UK;Great Britain;England;Scotland;Wales;Northern Ireland
GB United Kingdom of Great Britain and Northern Ireland|GD Grenada|GE Georgia|GG Guernsey|GH Ghana
GI Gibraltar|GM Gambia;Gambia, The;The Gambia|GN Guinea|GQ Equatorial Guinea|GR Greece|GT Guatemala
GW Guinea-Bissau;Guinea Bissau|GY Guyana|HK Hong Kong;Hong Kong SAR China|HN Honduras|HR Croatia|HT Haiti
HU Hungary|ID Indonesia|IE Ireland|IL Israel|IM Isle of Man;Man, Isle of|IN India|IQ Iraq
IR Iran;Iran (Islamic Republic of);Islamic Republic of Iran;Iran, Islamic Republic of|IS Iceland|IT Italy
JE Jersey|JM Jamaica|JO Jordan|JP Japan|KE Kenya|KG Kyrgyzstan;Kyrgyz Republic|KH Cambodia|KI Kiribati
KM Comoros|KN Saint Kitts and Nevis;St. Kitts and Nevis
KP North Korea;Korea, North;Democratic People's Republic of Korea;DPRK;Korea, Democratic People's Republic of
KR South Korea;Korea, South;Republic of Korea;Korea, Republic of|KW Kuwait|KY Cayman Islands
KZ Kazakhstan|LA Laos;Lao People's Democratic Republic|LB Lebanon|LC Saint Lucia|LI Liechtenstein
LK Sri Lanka|LR Liberia|LS Lesotho|LT Lithuania|LU Luxembourg|LV Latvia|LY Libya;Libyan Arab Jamahiriya
MA Morocco|MC Monaco|MD Moldova;Republic of Moldova;Moldova, Republic of|ME Montenegro|MG Madagascar
MH Marshall Islands
MK North Macedonia;Macedonia;Macedonia, The Former Yugoslav Republic of;North Macedonia, The Republic of
ML Mali|MM Burma;Myanmar;Burma (Myanmar)|MN Mongolia|MO Macau;Macao|MR Mauritania|MT Malta|MU Mauritius
MV Maldives|MW Malawi|MX Mexico|MY Malaysia|MZ Mozambique|NA Namibia|NE Niger|NG Nigeria|NI Nicaragua
NL Netherlands;The Netherlands|NO Norway|NP Nepal|NR Nauru|NZ New Zealand|OM Oman|PA Panama|PE Peru
PF French Polynesia|PG Papua New Guinea|PH Philippines;The Philippines|PK Pakistan|PL Poland
PS Palestinian;Palestine;State of Palestine;West Bank;Region: Gaza;Gaza
PS Palestinian Territory, Occupied;Occupied Palestinian Territories|PT Portugal|PW Palau|PY Paraguay
QA Qatar|RO Romania|RS Serbia|RU Russia;Russian Federation|RW Rwanda|SA Saudi Arabia|SB Solomon Islands
SC Seychelles|SD Sudan;The Sudan;Sudan, The|SE Sweden|SG Singapore|SI Slovenia|SK Slovakia
SL Sierra Leone|SM San Marino|SN Senegal|SO Somalia|SR Suriname|SS South Sudan;Sudan, South
ST Sao Tome and Principe|SV El Salvador|SY Syria;Syrian Arab Republic|SZ Eswatini;Swaziland
TC Turks and Caicos Islands|TD Chad|TG Togo|TH Thailand|TJ Tajikistan|TL Timor-Leste;East Timor
TM Turkmenistan|TN Tunisia|TO Tonga|TR Turkey;Turkiye;Türkiye|TT Trinidad and Tobago|TV Tuvalu|TW Taiwan
TZ Tanzania;United Republic of Tanzania|UA Ukraine;Region: Crimea|UG Uganda
US United States;United States of America;USA|UY Uruguay|UZ Uzbekistan|VA Holy See;Vatican City
VC Saint Vincent and the Grenadines;St. Vincent and the Grenadines
VE Venezuela;Venezuela (Bolivarian Republic of)|VG Virgin Islands, British;British Virgin Islands
VN Vietnam;Viet Nam|VU Vanuatu|WS Samoa|XK Kosovo|YE Yemen|ZA South Africa|ZM Zambia|ZW Zimbabwe
"""


def _by_name() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _COUNTRIES.replace("\n", "|").split("|"):
        if line:
            code, names = line[:2], line[3:]
            found.update((name.casefold(), code) for name in (code, *names.split(";")))
    return found


_CODES: Final = _by_name()


def country_from(text: str) -> str:
    """Return the ISO 3166-1 alpha-2 code of a country by its English name or code; empty of others."""
    code = text.strip().upper()
    if code in COUNTRIES:
        return code
    return _CODES.get(" ".join(text.replace("’", "'").split()).casefold().rstrip("."), "")
