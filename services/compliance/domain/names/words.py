"""Words in names that are not what tells one party from another: forms, titles, prefixes, particles.

They are kept and compared, but weigh little; so "Acme" is "Acme Ltd" and "Dr. Jane Doe" is "Jane Doe". What
stands beside names and is no part of any is in `words_beside.py`.
"""

from typing import Final


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


ORGANISATION_FORMS: Final = _set(
    """
    ab ad ag aktiengesellschaft anonima anonyme anonym ao aps as asa bhd bv bvba cjsc co company corp
    corporation cv dd doo eirl eood est fzc fzco fze gesellschaft gmbh gp inc incorporated jsc kft kg
    kk ks lda limitada limited llc llp lp ltd ltda mbh nv oao ojsc ood ooo ou oy oyj pao pjsc plc pte
    pty pvt rt sa sae sal sarl sas sasu sca scs sdn se snc spa spol spzoo srl sro tbk uab ug wll zao
    zrt closed joint liability open partnership private public sociedad sociedade societe societa
    stock
    """
)
"""Legal forms in their usual abbreviation, without points, and the words of those written out; after GLEIF's
ELF code list (ISO 20275)."""

TITLES: Final = _set(
    """
    mr mrs ms miss mme monsieur madame herr frau senor senora don dona sr sra dr doctor prof professor
    sir dame lord lady rev reverend hon honourable honorable ing eng engineer capt captain cpt col
    colonel ltcol maj major gen general brig brigadier lt lieutenant sgt sergeant adm admiral cmdr
    commander marshal minister president ambassador judge king prince princess emir amir sheikh shaikh
    shaykh sheik cheikh mullah maulavi mawlawi maulana mawlana mufti imam ayatollah hojjatoleslam haj
    hajj haji hadji hajji alhaj alhajj ustad ustadh qari hafiz jr junior snr senior ii iii iv phd md
    esq
    """
)
"""Titles, honorifics and what stands behind a name for a generation or a degree."""

VESSEL_PREFIXES: Final = _set("mv mt ms ss mtv mts mfv fv sv rv lpg lng tug vessel")
"""What stands before a ship's name."""

PARTICLES: Final = _set(
    """
    al el ul ur ad ar as ash at an az de del della di da do dos das du des la le les los las lo van
    von vom zu den der het ten ter und bin ben ibn bint binti ould y e i et and of the for in
    """
)
"""Articles, prepositions and small words inside names."""

ABBREVIATIONS: Final = {
    "intl": "international",
    "internatl": "international",
    "bros": "brothers",
    "mfg": "manufacturing",
    "trdg": "trading",
    "govt": "government",
    "natl": "national",
    "dept": "department",
    "univ": "university",
    "assn": "association",
    "assoc": "association",
    "fdn": "foundation",
    "grp": "group",
    "hldg": "holding",
    "hldgs": "holdings",
    "svcs": "services",
    "engg": "engineering",
    "shpg": "shipping",
}
"""Words in organisations' names that are often abbreviated, in the one spelling they are compared in."""

_ONE_NAME: Final = (
    # Legal forms
    "ltd limited",
    "co company",
    "corp corporation",
    "inc incorporated",
    "pvt private",
    # Arabic, Persian and Turkish
    "muhammad mohammed mohammad mohamed mohamad muhammed muhamed muhamad mohamud muhamet mehmet mohd mahomed",
    "ahmad ahmed ahmet",
    "husayn hussein hussain husain husein hossein hosein hoseyn hussin huseyin hussien",
    "hasan hassan hassen hasen hassane",
    "ali aly alee",
    "abdullah abdallah abdulla abdalla abdollah abdoullah abdoulaye",
    "yusuf yousef yusef youssef yousuf yousif yusif yussef youssouf yosef",
    "ibrahim ebrahim ibraheem brahim ibragim",
    "usama osama oussama ousama",
    "umar omar omer oumar",
    "uthman othman osman usman ousmane",
    "khalid khaled khalled halid",
    "said saeed saied sayeed saeid",
    "mustafa mostafa moustafa mustapha moustapha mostapha",
    "sulayman suleiman soleiman sulaiman suleyman sulejman soliman",
    "qasim kassem qassem qasem kasim ghassem kassim ghasem",
    "jamal gamal djamal djamel cemal",
    "mahmud mahmoud mahmood mehmood mahmut",
    "faysal faisal feisal faysel",
    "tariq tarek tarik tareq",
    "fatima fatimah fatemeh fatma",
    "rashid rasheed rachid rashed rasid",
    "karim kareem kerim",
    "yahya yehia yahia yehya",
    "ismail esmail ismael ismaeel esmaeel ismaiel esmaeil",
    "dawud daoud dawood daud davud dawoud",
    "musa moussa mousa moosa mussa",
    "isa eissa issa essa",
    "jafar jaafar gafar djafar",
    "riza reza rida ridha",
    "amin ameen amine emin",
    "nasir nasser naser nassir naseer",
    "haydar haidar haider hayder heydar",
    "zayd zaid zayed zeid",
    "bakr bakar bakir abubakar aboubakar",
    "walid waleed oualid",
    "qadir kader qader kadir qadeer",
    "salih saleh salah saalih",
    "latif lateef",
    "hamid hameed hamed",
    "majid majeed mejid",
    "jalal galal djelal",
    "tahir taher tahar",
    # Slavic
    "aleksandr alexander aleksander oleksandr alexandre aliaksandr alexandr aleksandar",
    "aleksei alexey alexei aleksey alexej oleksii oleksiy",
    "sergei sergey serhiy serhii sergej siarhei serge",
    "dmitri dmitry dmitriy dmitrii dmytro dimitri dzmitry",
    "yuri yury yuriy yurii iouri jurij yury juri",
    "evgeni evgeny yevgeny evgeniy evgenii yevgeniy yevgeni yevhen eugene",
    "nikolai nikolay mykola nikolaj nicolai mikalai",
    "vladimir volodymyr uladzimir wladimir",
    "mikhail mykhailo mihail michail mikhailo",
    "andrei andrey andriy andrii andrej",
    "anatoly anatoli anatoliy anatolii",
    "igor ihor",
    "oleg oleh",
    "pavel pavlo",
    "viktor victor viktar",
    "maksim maxim maksym",
    "konstantin constantin kostiantyn kanstantsin",
    "grigori grigory grigoriy hryhoriy",
    "valeri valery valeriy valerii",
    "gennadi gennady gennadiy hennadiy",
    "arkadi arkady arkadiy",
    "vasili vasily vasyl vasiliy vasilii",
    "yulia julia iuliia yuliya",
    "natalia nataliya natalya nataliia",
    "tatiana tatyana tetiana",
    "elena yelena olena helena alena",
    "ekaterina yekaterina kateryna katerina",
    # Chinese and Korean surnames as they are spelled in different systems
    "zhang chang",
    "li lee yi ri rhee",
    "wang wong vang",
    "zhou chou chow",
    "xu hsu",
    "cai tsai",
    "cheng chung",
    "kim gim",
    "pak park bak",
    "choe choi",
    "chong jong jeong jung chung",
    "sin shin",
)


def _canonical() -> dict[str, str]:
    found: dict[str, str] = {}
    for line in _ONE_NAME:
        first, *others = line.split()
        for word in (first, *others):
            found.setdefault(word, first)
    return found


CANONICAL: Final = _canonical()
"""Spellings of one given name or surname, to the first of them; from common usage."""

HALF_NAMES: Final = _set("abd abdul abdel abdal abdol abdoul abu abou abi umm")
"""Parts that make a name with the next, "servant of" and "father of": so common that they tell nothing."""

WEIGHT_OF_FORM: Final = 0.06
WEIGHT_OF_TITLE: Final = 0.10
WEIGHT_OF_PARTICLE: Final = 0.12
WEIGHT_OF_HALF_NAME: Final = 0.20
WEIGHT_OF_INITIAL: Final = 0.30
"""Beside 1 for a part that occurs in one listed name only."""
