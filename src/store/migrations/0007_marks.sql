-- What receivers answered under an alert, with what it was made of then; messages whose buttons are
-- to be shown anew; chats that receivers joined themselves, and the invitations to do so.
CREATE TABLE mark (
    district TEXT NOT NULL,
    alert TEXT NOT NULL,
    marked_by TEXT NOT NULL,
    mark TEXT NOT NULL,
    handed_to TEXT NOT NULL,
    problem TEXT NOT NULL,
    channel TEXT,
    at INTEGER NOT NULL,
    lexicon TEXT NOT NULL,
    rules TEXT NOT NULL,
    PRIMARY KEY (district, alert, marked_by, mark, handed_to)
) STRICT;

CREATE INDEX mark_time ON mark (district, at, alert, marked_by, mark, handed_to);

CREATE TABLE touch (
    district TEXT NOT NULL,
    delivery TEXT NOT NULL,
    asked INTEGER NOT NULL,
    due INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    PRIMARY KEY (district, delivery)
) STRICT;

CREATE INDEX touch_due ON touch (district, due);

CREATE TABLE address (
    district TEXT NOT NULL,
    receiver TEXT NOT NULL,
    channel TEXT NOT NULL,
    address TEXT NOT NULL,
    since INTEGER NOT NULL,
    PRIMARY KEY (district, receiver, channel, address)
) STRICT, WITHOUT ROWID;

CREATE TABLE invite (
    district TEXT NOT NULL,
    hash BLOB NOT NULL,
    salt BLOB NOT NULL,
    receiver TEXT NOT NULL,
    until INTEGER NOT NULL,
    used_by TEXT,
    PRIMARY KEY (district, hash)
) STRICT, WITHOUT ROWID;
