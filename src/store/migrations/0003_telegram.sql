-- Channels and groups that the account for reading Telegram has found under their names.
CREATE TABLE telegram_room (
    district TEXT NOT NULL,
    name TEXT NOT NULL,
    id INTEGER NOT NULL,
    hash INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    found INTEGER NOT NULL,
    PRIMARY KEY (district, name)
) STRICT;
