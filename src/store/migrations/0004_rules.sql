-- Every set of rules that went live: packs, risk, routes, places, with who and why. A text that
-- many sets share is kept once.
CREATE TABLE rules_entry (
    district TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    version TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (district, seq)
) STRICT;

CREATE TABLE rules_file (
    district TEXT NOT NULL,
    version TEXT NOT NULL,
    name TEXT NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (district, version, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE rules_text (
    district TEXT NOT NULL,
    content TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (district, content)
) STRICT;
