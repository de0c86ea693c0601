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
CREATE MACRO teatree_system.pg.regexp_count_no_start(arg_text, arg_pattern) AS teatree_regexp_count(arg_text, arg_pattern, '');
CREATE MACRO teatree_system.pg.regexp_instr_no_start(arg_text, arg_pattern) AS teatree_regexp_instr(arg_text, arg_pattern, '');
CREATE MACRO teatree_system.pg.regexp_substr_no_start(arg_text, arg_pattern) AS teatree_regexp_substr(arg_text, arg_pattern, '');
CREATE MACRO teatree_system.pg.regexp_like_no_flags(arg_text, arg_pattern) AS teatree_regexp_like(arg_text, arg_pattern, '');
CREATE MACRO teatree_system.pg.regexp_like(arg_text, arg_pattern) AS teatree_regexp_like(arg_text, arg_pattern, ''),
  (arg_text, arg_pattern, arg_flags) AS teatree_regexp_like(arg_text, arg_pattern, arg_flags);
