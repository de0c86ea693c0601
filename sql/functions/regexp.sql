-- Regular expressions as functions, over those in Rust. Each has the name of PostgreSQL's own code.

CREATE MACRO teatree_system.pg.regexp_match_no_flags(arg_text, arg_pattern) AS teatree_regexp_match(arg_text, arg_pattern, '');
CREATE MACRO teatree_system.pg.regexp_match(arg_text, arg_pattern) AS teatree_regexp_match(arg_text, arg_pattern, ''),
  (arg_text, arg_pattern, arg_flags) AS teatree_regexp_match(arg_text, arg_pattern, arg_flags);
CREATE MACRO teatree_system.support.match_rows(arg_flat, arg_width) AS
  [arg_flat[(n * arg_width + 1):((n + 1) * arg_width)] FOR n IN range(0, len(arg_flat) // arg_width)];
CREATE MACRO teatree_system.pg.regexp_matches_no_flags(arg_text, arg_pattern) AS
  teatree_system.support.match_rows(teatree_regexp_matches(arg_text, arg_pattern, ''), teatree_regexp_groups(arg_pattern));
CREATE MACRO teatree_system.pg.regexp_matches_flags(arg_text, arg_pattern, arg_flags) AS
  teatree_system.support.match_rows(teatree_regexp_matches(arg_text, arg_pattern, arg_flags), teatree_regexp_groups(arg_pattern));
CREATE MACRO teatree_system.pg.regexp_split_to_array_no_flags(arg_text, arg_pattern) AS teatree_regexp_split(arg_text, arg_pattern, '');
CREATE MACRO teatree_system.pg.regexp_split_to_array(arg_text, arg_pattern) AS teatree_regexp_split(arg_text, arg_pattern, ''),
  (arg_text, arg_pattern, arg_flags) AS teatree_regexp_split(arg_text, arg_pattern, arg_flags);
CREATE MACRO teatree_system.pg.regexp_split_to_table_no_flags(arg_text, arg_pattern) AS teatree_regexp_split(arg_text, arg_pattern, '');
CREATE MACRO teatree_system.pg.regexp_split_to_table(arg_text, arg_pattern) AS teatree_regexp_split(arg_text, arg_pattern, ''),
  (arg_text, arg_pattern, arg_flags) AS teatree_regexp_split(arg_text, arg_pattern, arg_flags);
CREATE MACRO teatree_system.pg.regexp_count_no_start(arg_text, arg_pattern) AS teatree_regexp_count(arg_text, arg_pattern, 1, '');
CREATE MACRO teatree_system.pg.regexp_count_no_flags(arg_text, arg_pattern, arg_start) AS teatree_regexp_count(arg_text, arg_pattern, arg_start, '');
CREATE MACRO teatree_system.pg.regexp_count(arg_text, arg_pattern, arg_start, arg_flags) AS
  teatree_regexp_count(arg_text, arg_pattern, arg_start, arg_flags);
CREATE MACRO teatree_system.pg.regexp_instr_no_start(arg_text, arg_pattern) AS teatree_regexp_instr(arg_text, arg_pattern, 1, 1, 0, '', 0);
CREATE MACRO teatree_system.pg.regexp_instr_no_n(arg_text, arg_pattern, arg_start) AS teatree_regexp_instr(arg_text, arg_pattern, arg_start, 1, 0, '', 0);
CREATE MACRO teatree_system.pg.regexp_instr_no_endoption(arg_text, arg_pattern, arg_start, arg_n) AS
  teatree_regexp_instr(arg_text, arg_pattern, arg_start, arg_n, 0, '', 0);
CREATE MACRO teatree_system.pg.regexp_instr_no_flags(arg_text, arg_pattern, arg_start, arg_n, arg_end) AS
  teatree_regexp_instr(arg_text, arg_pattern, arg_start, arg_n, arg_end, '', 0);
CREATE MACRO teatree_system.pg.regexp_instr_no_subexpr(arg_text, arg_pattern, arg_start, arg_n, arg_end, arg_flags) AS
  teatree_regexp_instr(arg_text, arg_pattern, arg_start, arg_n, arg_end, arg_flags, 0);
CREATE MACRO teatree_system.pg.regexp_instr(arg_text, arg_pattern, arg_start, arg_n, arg_end, arg_flags, arg_group) AS
  teatree_regexp_instr(arg_text, arg_pattern, arg_start, arg_n, arg_end, arg_flags, arg_group);
CREATE MACRO teatree_system.pg.regexp_substr_no_start(arg_text, arg_pattern) AS teatree_regexp_substr(arg_text, arg_pattern, 1, 1, '', 0);
CREATE MACRO teatree_system.pg.regexp_substr_no_n(arg_text, arg_pattern, arg_start) AS teatree_regexp_substr(arg_text, arg_pattern, arg_start, 1, '', 0);
CREATE MACRO teatree_system.pg.regexp_substr_no_flags(arg_text, arg_pattern, arg_start, arg_n) AS
  teatree_regexp_substr(arg_text, arg_pattern, arg_start, arg_n, '', 0);
CREATE MACRO teatree_system.pg.regexp_substr_no_subexpr(arg_text, arg_pattern, arg_start, arg_n, arg_flags) AS
  teatree_regexp_substr(arg_text, arg_pattern, arg_start, arg_n, arg_flags, 0);
CREATE MACRO teatree_system.pg.regexp_substr(arg_text, arg_pattern, arg_start, arg_n, arg_flags, arg_group) AS
  teatree_regexp_substr(arg_text, arg_pattern, arg_start, arg_n, arg_flags, arg_group);
CREATE MACRO teatree_system.pg.textregexreplace_noopt(arg_text, arg_pattern, arg_instead) AS
  teatree_regexp_replace(arg_text, arg_pattern, arg_instead, 1, 1, '');
CREATE MACRO teatree_system.pg.textregexreplace(arg_text, arg_pattern, arg_instead, arg_flags) AS
  teatree_regexp_replace(arg_text, arg_pattern, arg_instead, 1, CASE WHEN contains(arg_flags, 'g') THEN 0 ELSE 1 END, arg_flags);
CREATE MACRO teatree_system.pg.textregexreplace_extended_no_n(arg_text, arg_pattern, arg_instead, arg_start) AS
  teatree_regexp_replace(arg_text, arg_pattern, arg_instead, arg_start, 1, '');
CREATE MACRO teatree_system.pg.textregexreplace_extended_no_flags(arg_text, arg_pattern, arg_instead, arg_start, arg_n) AS
  teatree_regexp_replace(arg_text, arg_pattern, arg_instead, arg_start, arg_n, '');
CREATE MACRO teatree_system.pg.textregexreplace_extended(arg_text, arg_pattern, arg_instead, arg_start, arg_n, arg_flags) AS
  teatree_regexp_replace(arg_text, arg_pattern, arg_instead, arg_start, arg_n, arg_flags);
-- The first group, or all of the match.
CREATE MACRO teatree_system.pg.textregexsubstr(arg_text, arg_pattern) AS teatree_regexp_match(arg_text, arg_pattern, '')[1];
-- PostgreSQL's ~ looks for the pattern anywhere; NULL on either side gives NULL.
CREATE MACRO teatree_system.pg.textregexeq(arg_text, arg_pattern) AS teatree_regexp_like(CAST(arg_text AS VARCHAR), CAST(arg_pattern AS VARCHAR), '');
CREATE MACRO teatree_system.pg.texticregexeq(arg_text, arg_pattern) AS teatree_regexp_like(CAST(arg_text AS VARCHAR), CAST(arg_pattern AS VARCHAR), 'i');
CREATE MACRO teatree_system.pg.regexp_like_no_flags(arg_text, arg_pattern) AS teatree_regexp_like(arg_text, arg_pattern, '');
CREATE MACRO teatree_system.pg.regexp_like(arg_text, arg_pattern) AS teatree_regexp_like(arg_text, arg_pattern, ''),
  (arg_text, arg_pattern, arg_flags) AS teatree_regexp_like(arg_text, arg_pattern, arg_flags);
