-- Strings in PostgreSQL's sense: places that may be negative, errors, and values as their type prints them.

CREATE MACRO teatree_system.pg.text_substr(arg_text, arg_start, arg_count) AS
  system.main.substr(arg_text, CASE WHEN arg_start < 1 THEN 1::BIGINT ELSE CAST(arg_start AS BIGINT) END,
    CASE WHEN arg_count < 0 AND arg_text IS NOT NULL AND arg_start IS NOT NULL THEN error('[22011] negative substring length not allowed')
         WHEN arg_start >= 1 THEN CAST(arg_count AS BIGINT) WHEN CAST(arg_count AS BIGINT) + arg_start < 1 THEN 0::BIGINT
         ELSE CAST(arg_count AS BIGINT) + arg_start - 1 END);
CREATE MACRO teatree_system.pg.text_substr_no_len(arg_text, arg_start) AS
  system.main.substr(arg_text, CASE WHEN arg_start < 1 THEN 1::BIGINT ELSE CAST(arg_start AS BIGINT) END);
CREATE MACRO teatree_system.pg.textoverlay(arg_text, arg_new, arg_start, arg_count) AS
  CASE WHEN arg_start < 1 AND arg_text IS NOT NULL AND arg_new IS NOT NULL AND arg_count IS NOT NULL
       THEN error('[22011] negative substring length not allowed')
       ELSE system.main.substr(arg_text, 1, CAST(arg_start AS BIGINT) - 1) || arg_new
         || system.main.substr(arg_text, CASE WHEN CAST(arg_start AS BIGINT) + arg_count < 1 THEN 1 ELSE CAST(arg_start AS BIGINT) + arg_count END) END;
CREATE MACRO teatree_system.pg.textoverlay_no_len(arg_text, arg_new, arg_start) AS
  teatree_system.pg.textoverlay(arg_text, arg_new, arg_start, system.main.length(arg_new));
CREATE MACRO teatree_system.pg.overlay(arg_text, arg_new, arg_start) AS teatree_system.pg.textoverlay_no_len(arg_text, arg_new, arg_start),
  (arg_text, arg_new, arg_start, arg_count) AS teatree_system.pg.textoverlay(arg_text, arg_new, arg_start, arg_count);

CREATE MACRO teatree_system.pg.split_part(arg_text, arg_separator, arg_place) AS
  CASE WHEN arg_place = 0 AND arg_text IS NOT NULL AND arg_separator IS NOT NULL THEN error('[22023] field position must not be zero')
       WHEN arg_separator = '' AND arg_place IN (1, -1) THEN arg_text
       WHEN arg_separator = '' AND arg_place IS NOT NULL AND arg_text IS NOT NULL THEN ''
       ELSE system.main.split_part(arg_text, arg_separator, arg_place) END;
CREATE MACRO teatree_system.pg.chr(arg_code) AS
  system.main.chr(CAST(CASE WHEN arg_code = 0 THEN error('[54000] null character not permitted')
    WHEN arg_code < 0 THEN error('[22023] character number must be positive')
    WHEN arg_code > 1114111 THEN error('[54000] requested character too large for encoding: ' || arg_code)
    WHEN arg_code BETWEEN 55296 AND 57343 THEN error('[54000] requested character not valid for encoding: ' || arg_code)
    ELSE arg_code END AS INTEGER));
CREATE MACRO teatree_system.pg.text_starts_with(arg_text, arg_prefix) AS system.main.starts_with(arg_text, arg_prefix);
CREATE MACRO teatree_system.pg.lpad(arg_text, arg_length) AS system.main.lpad(arg_text, CAST(arg_length AS INTEGER), ' '),
  (arg_text, arg_length, arg_fill) AS
    CASE WHEN arg_fill = '' THEN system.main.substr(arg_text, 1, CASE WHEN arg_length < 0 THEN 0 ELSE CAST(arg_length AS BIGINT) END)
         ELSE system.main.lpad(arg_text, CAST(arg_length AS INTEGER), CASE WHEN arg_fill = '' THEN ' ' ELSE arg_fill END) END;
CREATE MACRO teatree_system.pg.rpad(arg_text, arg_length) AS system.main.rpad(arg_text, CAST(arg_length AS INTEGER), ' '),
  (arg_text, arg_length, arg_fill) AS
    CASE WHEN arg_fill = '' THEN system.main.substr(arg_text, 1, CASE WHEN arg_length < 0 THEN 0 ELSE CAST(arg_length AS BIGINT) END)
         ELSE system.main.rpad(arg_text, CAST(arg_length AS INTEGER), CASE WHEN arg_fill = '' THEN ' ' ELSE arg_fill END) END;
-- The first place of a character in arg_from counts; one beyond the end of arg_to is left out.
CREATE MACRO teatree_system.pg.translate(arg_text, arg_from, arg_to) AS
  CASE WHEN arg_from IS NOT NULL AND arg_to IS NOT NULL THEN
    list_aggregate([CASE WHEN instr(arg_from, p) > 0 THEN system.main.substr(arg_to, instr(arg_from, p), 1) ELSE p END
      FOR p IN regexp_extract_all(arg_text, '(?s).')] || [''], 'string_agg', '') END;
CREATE MACRO teatree_system.pg.to_ascii_default(arg_text) AS
  CASE WHEN arg_text IS NOT NULL THEN error('[0A000] encoding conversion from UTF8 to ASCII not supported') ELSE arg_text END;
-- Escapes of four hexadecimal digits, also after u, of six after +, of eight after U.
CREATE MACRO teatree_system.pg.unistr(arg_text) AS
  CASE WHEN NOT contains(arg_text, '\') THEN arg_text
       WHEN NOT regexp_matches(arg_text, '^([^\\]|\\\\|\\u?[0-9A-Fa-f]{4}|\\\+[0-9A-Fa-f]{6}|\\U[0-9A-Fa-f]{8})*$') THEN error('[42601] invalid Unicode escape')
       WHEN regexp_matches(replace(arg_text, '\\', ''), '\\(u?|\+00|U0000)[dD][89a-fA-F]') THEN error('[0A000] surrogate pairs in unistr are not supported')
       ELSE list_aggregate([CASE WHEN p = '\\' THEN '\' WHEN left(p, 1) = '\' THEN
           system.main.chr(CAST(CASE WHEN CAST('0x' || regexp_extract(p, '[0-9A-Fa-f]+$') AS BIGINT) NOT BETWEEN 1 AND 1114111
             THEN error('[22023] invalid Unicode code point') ELSE CAST('0x' || regexp_extract(p, '[0-9A-Fa-f]+$') AS BIGINT) END AS INTEGER)) ELSE p END
         FOR p IN regexp_extract_all(arg_text, '(?s)\\\\|\\u?[0-9A-Fa-f]{4}|\\\+[0-9A-Fa-f]{6}|\\U[0-9A-Fa-f]{8}|.')] || [''], 'string_agg', '') END;

-- A string cut into an array: by no separator into characters, by an empty one into one part.
CREATE MACRO teatree_system.pg.text_to_array(arg_text, arg_separator) AS
  CASE WHEN arg_text IS NULL THEN NULL WHEN arg_text = '' THEN []::VARCHAR[] WHEN arg_separator IS NULL THEN regexp_extract_all(arg_text, '(?s).')
       WHEN arg_separator = '' THEN [arg_text] ELSE string_split(arg_text, arg_separator) END;
CREATE MACRO teatree_system.pg.text_to_array_null(arg_text, arg_separator, arg_missing) AS
  CASE WHEN arg_missing IS NULL THEN teatree_system.pg.text_to_array(arg_text, arg_separator)
       ELSE [nullif(p, arg_missing) FOR p IN teatree_system.pg.text_to_array(arg_text, arg_separator)] END;
CREATE MACRO teatree_system.pg.string_to_array(arg_text, arg_separator) AS teatree_system.pg.text_to_array(arg_text, arg_separator),
  (arg_text, arg_separator, arg_missing) AS teatree_system.pg.text_to_array_null(arg_text, arg_separator, arg_missing);
CREATE MACRO teatree_system.pg.text_to_table(arg_text, arg_separator) AS teatree_system.pg.text_to_array(arg_text, arg_separator);
CREATE MACRO teatree_system.pg.text_to_table_null(arg_text, arg_separator, arg_missing) AS
  teatree_system.pg.text_to_array_null(arg_text, arg_separator, arg_missing);
CREATE MACRO teatree_system.pg.string_to_table(arg_text, arg_separator) AS teatree_system.pg.text_to_array(arg_text, arg_separator),
  (arg_text, arg_separator, arg_missing) AS teatree_system.pg.text_to_array_null(arg_text, arg_separator, arg_missing);

-- A value as its type prints it. arg_value may have any type: what does not fit it is never reached.
CREATE MACRO teatree_system.support.out_text(arg_value) AS
  CASE typeof(arg_value) WHEN 'VARCHAR' THEN CAST(arg_value AS VARCHAR) ELSE teatree_text(arg_value, system.main.current_setting('TimeZone')) END;
CREATE MACRO teatree_system.pg.array_to_text(arg_items, arg_separator) AS
  CASE WHEN arg_items IS NULL OR arg_separator IS NULL THEN NULL
       ELSE coalesce(list_aggregate([teatree_system.support.out_text(i) FOR i IN arg_items IF i IS NOT NULL], 'string_agg', arg_separator), '') END;
CREATE MACRO teatree_system.pg.array_to_text_null(arg_items, arg_separator, arg_instead) AS
  CASE WHEN arg_items IS NULL OR arg_separator IS NULL THEN NULL
       ELSE coalesce(list_aggregate([coalesce(teatree_system.support.out_text(i), arg_instead) FOR i IN arg_items], 'string_agg', arg_separator), '') END;
CREATE MACRO teatree_system.pg.array_to_string(arg_items, arg_separator) AS teatree_system.pg.array_to_text(arg_items, arg_separator),
  (arg_items, arg_separator, arg_instead) AS teatree_system.pg.array_to_text_null(arg_items, arg_separator, arg_instead);
