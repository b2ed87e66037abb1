"""Lists of words: those that are no terms of their own."""

DATES = frozenset({
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "monday",
    "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "fiscal", "calendar", "year", "years",
    "yearly", "quarter", "quarters", "quarterly", "month", "months", "monthly", "week", "weeks", "weekly", "day",
    "days", "daily", "annual", "annually", "date", "dated",
})  # fmt: skip
"""Of dates."""

NUMBERS = frozenset({
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty", "thirty", "forty",
    "fifty", "sixty", "seventy", "eighty", "ninety", "hundred", "hundreds", "thousand", "thousands", "million",
    "millions", "billion", "billions", "trillion", "dozen", "first", "second", "third", "fourth", "fifth", "sixth",
    "seventh", "eighth", "ninth", "tenth", "half", "percent", "percentage", "approximately", "ii", "iii", "iv",
    "vi", "vii", "viii", "ix", "xi", "xii",
})  # fmt: skip
"""Of amounts."""

LEGAL = frozenset({
    "inc", "incorporated", "corp", "corporation", "corporations", "company", "companies", "co", "ltd", "limited",
    "llc", "llp", "lp", "plc", "sa", "nv", "ag", "se", "spa", "bv", "gmbh", "kg", "oy", "ab", "holding", "holdings",
    "group", "groups", "subsidiary", "subsidiaries", "affiliate", "affiliates", "registrant",
})  # fmt: skip
"""Of companies' legal forms."""

COUNTRIES = frozenset({
    "us", "usa", "uk", "eu", "uae", "emea", "apac", "latam", "america", "americas", "africa", "asia", "europe",
    "oceania", "antarctica", "afghanistan", "albania", "algeria", "argentina", "armenia", "australia", "austria",
    "azerbaijan", "bahamas", "bahrain", "bangladesh", "barbados", "belarus", "belgium", "belize", "bermuda",
    "bolivia", "botswana", "brazil", "brunei", "bulgaria", "cambodia", "cameroon", "canada", "chile", "china",
    "colombia", "croatia", "cuba", "cyprus", "czechia", "denmark", "ecuador", "egypt", "england", "estonia",
    "ethiopia", "finland", "france", "georgia", "germany", "ghana", "gibraltar", "greece", "guatemala", "guernsey",
    "honduras", "hungary", "iceland", "india", "indonesia", "iran", "iraq", "ireland", "israel", "italy", "jamaica",
    "japan", "jersey", "jordan", "kazakhstan", "kenya", "korea", "kuwait", "latvia", "lebanon", "liberia", "libya",
    "liechtenstein", "lithuania", "luxembourg", "macau", "malaysia", "malta", "mauritius", "mexico", "moldova",
    "monaco", "mongolia", "morocco", "mozambique", "namibia", "nepal", "netherlands", "nicaragua", "nigeria",
    "norway", "oman", "pakistan", "panama", "paraguay", "peru", "philippines", "poland", "portugal", "qatar",
    "romania", "russia", "rwanda", "scotland", "senegal", "serbia", "singapore", "slovakia", "slovenia", "spain",
    "sudan", "suriname", "sweden", "switzerland", "syria", "taiwan", "tanzania", "thailand", "trinidad", "tunisia",
    "turkey", "turkmenistan", "uganda", "ukraine", "uruguay", "uzbekistan", "venezuela", "vietnam", "wales",
    "yemen", "zambia", "zimbabwe",
})  # fmt: skip
"""Countries and continents."""

STATES = frozenset({
    "alabama", "alaska", "arizona", "arkansas", "california", "carolina", "colorado", "connecticut", "dakota",
    "delaware", "florida", "hawaii", "idaho", "illinois", "indiana", "iowa", "kansas", "kentucky", "louisiana",
    "maine", "maryland", "massachusetts", "michigan", "minnesota", "mississippi", "missouri", "montana", "nebraska",
    "nevada", "hampshire", "ohio", "oklahoma", "oregon", "pennsylvania", "tennessee", "texas", "utah", "vermont",
    "virginia", "washington", "wisconsin", "wyoming", "ontario", "quebec", "alberta", "manitoba", "saskatchewan",
    "rico", "puerto", "york", "angeles", "francisco", "diego", "chicago", "houston", "dallas", "boston", "atlanta",
    "philadelphia", "seattle", "denver", "london", "paris", "tokyo", "beijing", "shanghai", "hong", "kong",
    "toronto", "montreal", "vancouver", "midwest",
})  # fmt: skip
"""States, provinces and cities that are nothing else."""

PEOPLES = frozenset({
    "british", "english", "french", "german", "dutch", "spanish", "swiss", "greek", "danish", "irish", "welsh",
    "scottish", "polish", "swedish", "norwegian", "finnish", "turkish", "thai", "filipino", "iraqi", "israeli",
    "pakistani", "saudi", "czech", "slovak",
})  # fmt: skip
"""Peoples that are spelled otherwise than their countries."""
