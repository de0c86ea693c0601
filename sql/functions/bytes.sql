-- bytea, over its hexadecimal digits: DuckDB has few functions for BLOB.

-- Two digits for each byte from arg_start on; arg_count bytes of them.
CREATE MACRO teatree_system.support.some_bytes(arg_bytes, arg_start, arg_count) AS
  unhex(substr(hex(CAST(arg_bytes AS BLOB)), arg_start * 2 - 1, arg_count * 2));
CREATE MACRO teatree_system.support.byte_count(arg_bytes) AS system.main.octet_length(CAST(arg_bytes AS BLOB));
CREATE MACRO teatree_system.support.byte_place(arg_bytes, arg_place) AS
  CASE WHEN arg_place < 0 OR arg_place >= teatree_system.support.byte_count(arg_bytes)
       THEN error('[2202E] index ' || arg_place || ' out of valid range, 0..' || (teatree_system.support.byte_count(arg_bytes) - 1))
       ELSE CAST(arg_place AS BIGINT) END;
-- The byte in which a bit is; bits count from the lowest of the first byte.
CREATE MACRO teatree_system.support.bit_place(arg_bytes, arg_place) AS
  CASE WHEN arg_place < 0 OR arg_place >= teatree_system.support.byte_count(arg_bytes) * 8
       THEN error('[2202E] index ' || arg_place || ' out of valid range, 0..' || (teatree_system.support.byte_count(arg_bytes) * 8 - 1))
       ELSE CAST(arg_place AS BIGINT) // 8 END;
CREATE MACRO teatree_system.support.byte_at(arg_bytes, arg_place) AS
  CAST('0x' || substr(hex(CAST(arg_bytes AS BLOB)), arg_place * 2 + 1, 2) AS INTEGER);
CREATE MACRO teatree_system.support.byte_instead(arg_bytes, arg_place, arg_byte) AS
  unhex(left(hex(CAST(arg_bytes AS BLOB)), arg_place * 2) || right('0' || system.main.to_hex(arg_byte), 2) || substr(hex(CAST(arg_bytes AS BLOB)), arg_place * 2 + 3));

CREATE MACRO teatree_system.pg.byteaGetByte(arg_bytes, arg_place) AS
  teatree_system.support.byte_at(arg_bytes, teatree_system.support.byte_place(arg_bytes, arg_place));
CREATE MACRO teatree_system.pg.byteaSetByte(arg_bytes, arg_place, arg_byte) AS
  teatree_system.support.byte_instead(arg_bytes, teatree_system.support.byte_place(arg_bytes, arg_place), CAST(arg_byte AS BIGINT) & 255);
CREATE MACRO teatree_system.pg.byteaGetBit(arg_bytes, arg_place) AS
  (teatree_system.support.byte_at(arg_bytes, teatree_system.support.bit_place(arg_bytes, arg_place)) >> CAST(arg_place % 8 AS INTEGER)) & 1;
CREATE MACRO teatree_system.pg.byteaSetBit(arg_bytes, arg_place, arg_bit) AS
  teatree_system.support.byte_instead(arg_bytes, teatree_system.support.bit_place(arg_bytes, arg_place),
    CASE WHEN arg_bit = 1 THEN teatree_system.support.byte_at(arg_bytes, arg_place // 8) | (1::INTEGER << CAST(arg_place % 8 AS INTEGER))
         WHEN arg_bit = 0 THEN teatree_system.support.byte_at(arg_bytes, arg_place // 8) & (255 - (1::INTEGER << CAST(arg_place % 8 AS INTEGER)))
         WHEN arg_bit IS NOT NULL THEN error('[22023] new bit must be 0 or 1') END);

CREATE MACRO teatree_system.pg.bytea_substr(arg_bytes, arg_start, arg_count) AS
  teatree_system.support.some_bytes(arg_bytes, CASE WHEN arg_start < 1 THEN 1::BIGINT ELSE CAST(arg_start AS BIGINT) END,
    CASE WHEN arg_count < 0 AND arg_bytes IS NOT NULL AND arg_start IS NOT NULL THEN error('[22011] negative substring length not allowed')
         WHEN arg_start >= 1 THEN CAST(arg_count AS BIGINT) WHEN CAST(arg_count AS BIGINT) + arg_start < 1 THEN 0::BIGINT
         ELSE CAST(arg_count AS BIGINT) + arg_start - 1 END);
CREATE MACRO teatree_system.pg.bytea_substr_no_len(arg_bytes, arg_start) AS
  unhex(substr(hex(CAST(arg_bytes AS BLOB)), CASE WHEN arg_start < 1 THEN 1 ELSE CAST(arg_start AS BIGINT) * 2 - 1 END));
CREATE MACRO teatree_system.pg.byteaoverlay(arg_bytes, arg_new, arg_start, arg_count) AS
  CASE WHEN arg_start < 1 AND arg_count IS NOT NULL AND arg_bytes IS NOT NULL AND arg_new IS NOT NULL
       THEN error('[22011] negative substring length not allowed')
       ELSE unhex(left(hex(CAST(arg_bytes AS BLOB)), CAST(arg_start AS BIGINT) * 2 - 2) || hex(CAST(arg_new AS BLOB))
         || substr(hex(CAST(arg_bytes AS BLOB)), CASE WHEN CAST(arg_start AS BIGINT) + arg_count < 1 THEN 1 ELSE (CAST(arg_start AS BIGINT) + arg_count) * 2 - 1 END)) END;
CREATE MACRO teatree_system.pg.byteaoverlay_no_len(arg_bytes, arg_new, arg_start) AS
  teatree_system.pg.byteaoverlay(arg_bytes, arg_new, arg_start, teatree_system.support.byte_count(arg_new));
CREATE MACRO teatree_system.pg.byteacat(arg_bytes, arg_more) AS CAST(arg_bytes AS BLOB) || CAST(arg_more AS BLOB);

-- Each byte as one character, so that functions on text do for bytes.
CREATE MACRO teatree_system.support.latin(arg_bytes) AS
  list_aggregate([system.main.chr(256 + CAST('0x' || p AS INTEGER)) FOR p IN regexp_extract_all(hex(CAST(arg_bytes AS BLOB)), '..')] || [''], 'string_agg', '');
CREATE MACRO teatree_system.support.from_latin(arg_text) AS
  unhex(list_aggregate([substr(system.main.to_hex(system.main.unicode(p)), 2, 2) FOR p IN regexp_extract_all(arg_text, '(?s).')] || [''], 'string_agg', ''));
CREATE MACRO teatree_system.pg.byteapos(arg_bytes, arg_part) AS
  CAST(instr(teatree_system.support.latin(arg_bytes), teatree_system.support.latin(arg_part)) AS INTEGER);
CREATE MACRO teatree_system.pg.byteatrim(arg_bytes, arg_set) AS
  teatree_system.support.from_latin(system.main.trim(teatree_system.support.latin(arg_bytes), teatree_system.support.latin(arg_set)));
CREATE MACRO teatree_system.pg.bytealtrim(arg_bytes, arg_set) AS
  teatree_system.support.from_latin(system.main.ltrim(teatree_system.support.latin(arg_bytes), teatree_system.support.latin(arg_set)));
CREATE MACRO teatree_system.pg.byteartrim(arg_bytes, arg_set) AS
  teatree_system.support.from_latin(system.main.rtrim(teatree_system.support.latin(arg_bytes), teatree_system.support.latin(arg_set)));
CREATE MACRO teatree_system.pg.bytea_bit_count(arg_bytes) AS
  CAST(coalesce(list_sum([system.main.bit_count(CAST('0x' || p AS INTEGER)) FOR p IN regexp_extract_all(hex(CAST(arg_bytes AS BLOB)), '..')]),
    CASE WHEN arg_bytes IS NOT NULL THEN 0 END) AS BIGINT);

CREATE MACRO teatree_system.pg.sha256_bytea(arg_bytes) AS unhex(system.main.sha256(CAST(arg_bytes AS BLOB)));
CREATE MACRO teatree_system.pg.sha224_bytea(arg_bytes) AS unhex(teatree_sha2(hex(CAST(arg_bytes AS BLOB)), 224));
CREATE MACRO teatree_system.pg.sha384_bytea(arg_bytes) AS unhex(teatree_sha2(hex(CAST(arg_bytes AS BLOB)), 384));
CREATE MACRO teatree_system.pg.sha512_bytea(arg_bytes) AS unhex(teatree_sha2(hex(CAST(arg_bytes AS BLOB)), 512));
CREATE MACRO teatree_system.pg.md5_bytea(arg_bytes) AS system.main.md5(CAST(arg_bytes AS BLOB));

-- Bytes as text: three digits to the base of eight for what is not ASCII, two backslashes for one; lines of 76 in base 64.
CREATE MACRO teatree_system.support.escaped(arg_bytes) AS
  list_aggregate([CASE WHEN p = '5C' THEN '\\' WHEN p = '00' OR p >= '80'
      THEN '\' || (CAST('0x' || p AS INTEGER) // 64) || (CAST('0x' || p AS INTEGER) // 8 % 8) || (CAST('0x' || p AS INTEGER) % 8)
      ELSE system.main.chr(CAST('0x' || p AS INTEGER)) END FOR p IN regexp_extract_all(hex(CAST(arg_bytes AS BLOB)), '..')] || [''], 'string_agg', '');
CREATE MACRO teatree_system.support.unescaped(arg_text) AS
  CASE WHEN regexp_matches(arg_text, '^([^\\]|\\\\|\\[0-3][0-7][0-7])*$')
       THEN unhex(list_aggregate([CASE WHEN p = '\\' THEN '5C'
           WHEN length(p) = 4 THEN right('0' || system.main.to_hex(CAST(p[2] AS INTEGER) * 64 + CAST(p[3] AS INTEGER) * 8 + CAST(p[4] AS INTEGER)), 2)
           ELSE hex(p) END FOR p IN regexp_extract_all(arg_text, '(?s)\\\\|\\[0-7]{3}|.')] || [''], 'string_agg', ''))
       WHEN arg_text IS NOT NULL THEN error('[22P02] invalid input syntax for type bytea') END;
CREATE MACRO teatree_system.pg.binary_encode(arg_bytes, arg_format) AS
  CASE lower(arg_format) WHEN 'hex' THEN lower(hex(CAST(arg_bytes AS BLOB)))
    WHEN 'base64' THEN rtrim(regexp_replace(to_base64(CAST(arg_bytes AS BLOB)), '(.{76})', '\1' || system.main.chr(10), 'g'), system.main.chr(10))
    WHEN 'escape' THEN teatree_system.support.escaped(arg_bytes)
    ELSE CASE WHEN arg_format IS NOT NULL AND arg_bytes IS NOT NULL THEN error('[22023] unrecognized encoding: "' || arg_format || '"') END END;
CREATE MACRO teatree_system.pg.binary_decode(arg_text, arg_format) AS
  CASE lower(arg_format)
    WHEN 'hex' THEN CASE WHEN regexp_matches(arg_text, '^(\s*[0-9A-Fa-f][0-9A-Fa-f])*\s*$') THEN unhex(regexp_replace(arg_text, '\s', '', 'g'))
      WHEN arg_text IS NOT NULL THEN error('[22023] invalid hexadecimal data') END
    WHEN 'base64' THEN CASE WHEN regexp_matches(regexp_replace(arg_text, '\s', '', 'g'), '^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$')
      THEN from_base64(regexp_replace(arg_text, '\s', '', 'g')) WHEN arg_text IS NOT NULL THEN error('[22023] invalid base64 data') END
    WHEN 'escape' THEN teatree_system.support.unescaped(arg_text)
    ELSE CASE WHEN arg_format IS NOT NULL AND arg_text IS NOT NULL THEN error('[22023] unrecognized encoding: "' || arg_format || '"') END END;
