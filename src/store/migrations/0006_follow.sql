-- Problems that are looked at again at a set time: nobody took an alert into work, no answer came.
CREATE TABLE follow (
    district TEXT NOT NULL,
    problem TEXT NOT NULL,
    matter TEXT NOT NULL,
    alert TEXT,
    step INTEGER NOT NULL,
    since INTEGER NOT NULL,
    due INTEGER NOT NULL,
    PRIMARY KEY (district, problem, matter)
) STRICT, WITHOUT ROWID;
CREATE INDEX follow_due ON follow (district, due);
