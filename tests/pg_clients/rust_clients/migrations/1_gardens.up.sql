-- Several statements, with a comment that ends with a semicolon;
CREATE TABLE gardens (id bigserial PRIMARY KEY, name text NOT NULL UNIQUE);
INSERT INTO gardens (name) VALUES ('one; two'), ('three');
