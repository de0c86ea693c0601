CREATE TABLE beds (id int PRIMARY KEY, garden bigint REFERENCES gardens);
CREATE INDEX beds_garden ON beds (garden);
ALTER TABLE beds ADD COLUMN size numeric(6,2) NOT NULL DEFAULT 1.5;
