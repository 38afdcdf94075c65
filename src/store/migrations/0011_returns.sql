-- A problem that came back is told and weighed by what is written since.

ALTER TABLE problem ADD COLUMN back INTEGER;
ALTER TABLE problem ADD COLUMN posts_before INTEGER NOT NULL DEFAULT 0;
