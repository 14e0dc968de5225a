"""Words in the names of columns that tell what stands in them: English, German, Spanish and French.

`words` are whole words of a name (`pat_tel_nr` has three), `parts` may stand anywhere in it, as in BIRTHDATE.
"""

import re
import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """What a name may hold."""

    words: frozenset[str]
    parts: tuple[str, ...] = ()

    def among(self, name: str) -> bool:
        """Whether one of the words is a word of the name, or one of the parts stands in it."""
        split = words_of(name)
        joined = "".join(split)
        return not self.words.isdisjoint(split) or any(part in joined for part in self.parts)


def words_of(name: str) -> list[str]:
    """Words of a column's name, in small letters without accents and digits."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode()
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return [word.lower() for word in re.findall(r"[A-Za-z]+", spaced)]


def _words(words: str, *parts: str) -> Words:
    return Words(frozenset(words.split()), parts)


PLACE_OF_BIRTH = _words("", "birthplace", "placeofbirth", "geburtsort", "lugarnac", "lieunaiss", "lieudenaissance")
BIRTH = _words("dob birth born gebdat geb gebdatum gebtag nacimiento fnac naissance ddn", "birth", "geburt",
               "fechanac", "datenaiss", "nacimiento", "naissance")  # fmt: skip
CONTACT = _words("mail email tel phone telephone mobile fax telefon telefono movil handy correo courriel portable",
                 "email", "phone", "telefon", "mobilenumber", "courriel")  # fmt: skip
ADDRESS = _words(
    "address addr street city town zip zipcode postcode postal county lat lon lng latitude longitude adresse strasse "
    "str hausnr hausnummer plz ort wohnort direccion domicilio calle ciudad municipio cp poblacion rue ville commune",
    "address", "postcode", "zipcode", "postleitzahl", "codigopostal", "codepostal", "wohnort", "strasse",
)  # fmt: skip
NAME = _words(
    "name nm surname forename lastname firstname middlename maiden nickname initials nachname vorname familienname "
    "geburtsname nombre apellido apellidos nom prenom",
    "surname", "lastname", "firstname", "maidenname", "patientname", "ownername", "fullname", "nachname", "vorname",
    "apellido", "prenom",
)  # fmt: skip
NAME_ALONE = frozenset({"first", "last", "middle", "given", "family", "prefix", "suffix", "title"})
FREE_TEXT = _words(
    "text txt note notes comment comments remark remarks narrative memo sig instructions freetext bemerkung "
    "bemerkungen kommentar notiz befund anamnese freitext observaciones comentario comentarios nota notas texto "
    "remarque commentaire texte",
    "freetext", "comment", "bemerkung", "observacion",
)  # fmt: skip
PERSON = _words(
    "mrn ssn nhs patient pat pid subject case caseno encounter visit admission hadm icustay stay spell episode "
    "account member person passport drivers driver licence license insurant claim fall fallnr patnr kvnr "
    "versicherter versichertennummer svnr paciente nhc historia dni nif nie nss episodio ipp nir sejour",
    "patientid", "patid", "encounterid", "nhsnumber", "socialsecurity", "medicalrecord", "patientinsurance",
    "fallnummer", "patientennummer", "versichertennr", "memberid", "claimid",
)  # fmt: skip
STAFF = _words(
    "consultant physician doctor doc nurse clinician gp attending operator author user provider prescriber surgeon "
    "carer caregiver arzt aerztin pflegekraft medico enfermera enfermero medecin infirmier infirmiere",
    "provider", "consultant", "physician", "clinician", "prescriber",
)  # fmt: skip
IDENTIFIER = _words("id ids no nr num number key uuid guid uid oid nummer numero")
QUASI = _words(
    "age sex gender race ethnicity ethnic religion marital language nationality occupation profession education "
    "income insurance payer death dead deceased died dod dead alter geschlecht konfession familienstand sprache "
    "staatsangehoerigkeit nationalitaet beruf verstorben tod edad sexo estado idioma religion profesion fallecido "
    "muerte sexe langue nationalite metier deces country state male female",
    "ethnic", "marital", "gender", "deceased", "staatsangeh",
)  # fmt: skip
THING = _words(
    "ward drug department dept hospital unit trust practice organisation organization org product test exam item "
    "chemical substance generic brand table file column station abteilung klinik bereich medikament wirkstoff servicio "
    "farmaco medicamento service medicament facility site clinic specialty speciality team room bed careunit pco area "
    "procedure system device",
)  # fmt: skip
CODE = _words(
    "code cd type status category class kind unit units icd atc loinc snomed bnf drg cpt ndc form route freq frequency "
    "system modality currency group flag version section severity indicator typ art einheit kategorie klasse tipo "
    "codigo unidad categoria unite categorie",
)
KIND = _words("type status category class kind group flag severity typ art kategorie klasse tipo categoria categorie")
CODE_LIST = _words("icd atc loinc snomed bnf drg cpt ndc code cd")
QUANTITY = _words(
    "amount amt cost costs price value val qty quantity count counts total sum rate pct percent percentage beds hours "
    "hrs days months minutes mins score dose weight height temp temperature pulse systolic diastolic syst dias resp "
    "sat items revenue expenses utilization utilisation payments adjustments coverage attendances breaches admissions "
    "discharges length los ratio average avg min max mean median betrag preis menge anzahl kosten dauer "
    "stunden tage importe precio cantidad coste montant prix quantite nombre duree",
    "cost", "amount", "quantity", "price",
)  # fmt: skip
AGE = _words("age alter edad")
CLINICAL = _words(
    "dx diag icd atc loinc snomed drg cpt ndc ops condition finding result score weight height temp temperature pulse "
    "systolic diastolic syst dias resp sat severity interpretation organism antibiotic specimen symptom vaccine "
    "therapy treatment indication complaint befund ergebnis grund wirkstoff motivo resultado motif resultat",
    "diagnos", "procedure", "reason", "allerg", "reaction", "medication", "medikament", "medicament", "bodysite",
    "disease", "illness", "comorbid", "frail", "expire", "mortality",
)  # fmt: skip
"""What somebody has, or is treated for."""

ADMINISTRATIVE = _words(
    "ward department dept hospital facility site unit units careunit room bed organisation organization org payer "
    "period shift table file station route form freq frequency method priority status type kind system "
    "currency class source version cost costs price amount amt charge charges payment payments coverage adjustments "
    "transfers outstanding expenses quantity qty count counts total number num nr no seq sequence line row days hours "
    "minutes duration length los",
    "cost", "amount", "quantity", "careunit", "wardid", "department", "encounterclass", "dbsource", "eventtype",
    "placeofservice", "status", "outstanding", "transfertype",
)  # fmt: skip
"""How care is organized and paid: harmless in a table of patients, where all else may tell of their health."""

ADMINISTRATIVE_LAST = frozenset({"type", "status", "unit", "units", "system", "cost", "count"})
"""Last words that make something administrative of what is clinical: `diagnosis_type`."""
