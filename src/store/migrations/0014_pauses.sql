-- A pause is a row of its own: it keeps why, whose key it concerns, and who tries whether it is over.

CREATE TABLE pause (
    district TEXT NOT NULL,
    host TEXT NOT NULL,
    token TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    method TEXT NOT NULL,
    ordered INTEGER NOT NULL,
    until INTEGER NOT NULL,
    class TEXT NOT NULL,
    code TEXT NOT NULL,
    trouble TEXT NOT NULL,
    failures INTEGER NOT NULL,
    probed INTEGER,
    PRIMARY KEY (district, host, token, fingerprint, method, ordered)
) STRICT, WITHOUT ROWID;

INSERT INTO pause (district, host, token, fingerprint, method, ordered, until, class, code, trouble,
    failures)
SELECT district, host, token, '', method, 1, paused_until, 'rate_limited', 'paused', '', 0
FROM budget WHERE paused_until IS NOT NULL;

ALTER TABLE budget DROP COLUMN paused_until;

-- A look that was asked for while another one is under way follows it.

ALTER TABLE source_state ADD COLUMN asked INTEGER;
