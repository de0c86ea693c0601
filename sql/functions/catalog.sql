-- PostgreSQL's functions over the catalogue. A macro's arguments have no types, so each takes what it gets.


-- The schemas on the search path, in PostgreSQL's words.
CREATE MACRO teatree_system.pg.current_schemas(arg_include_implicit) AS
  CASE WHEN arg_include_implicit THEN ['pg_catalog'] ELSE [] END
  || [CASE WHEN s = 'main' THEN 'public' ELSE s END
      FOR s IN list_filter(system.main.current_schemas(false),
                           lambda x, i: list_position(system.main.current_schemas(false), x) = i)];
CREATE MACRO teatree_system.pg.pg_table_is_visible(arg_relation) AS
  coalesce((SELECT ti_visible FROM teatree_system.support.lookup_relation WHERE ti_oid = arg_relation), false);
CREATE MACRO teatree_system.pg.pg_type_is_visible(arg_type) AS
  coalesce((SELECT ti_visible FROM teatree_system.support.lookup_type WHERE ti_oid = arg_type), false);
CREATE MACRO teatree_system.pg.pg_function_is_visible(arg_f) AS
  arg_f IS NOT NULL AND coalesce((SELECT list_contains(teatree_system.pg.current_schemas(false), ti_schema)
                                  FROM teatree_system.support.lookup_routine WHERE ti_oid = arg_f), true);
CREATE MACRO teatree_system.pg.pg_operator_is_visible(arg_f) AS CASE WHEN arg_f <> 0 THEN true END;
CREATE MACRO teatree_system.pg.pg_opclass_is_visible(arg_f) AS CASE WHEN arg_f <> 0 THEN true END;
CREATE MACRO teatree_system.pg.pg_opfamily_is_visible(arg_f) AS CASE WHEN arg_f <> 0 THEN true END;
CREATE MACRO teatree_system.pg.pg_collation_is_visible(arg_f) AS CASE WHEN arg_f <> 0 THEN true END;
CREATE MACRO teatree_system.pg.pg_conversion_is_visible(arg_f) AS CASE WHEN arg_f <> 0 THEN true END;
CREATE MACRO teatree_system.pg.pg_statistics_obj_is_visible(arg_f) AS CASE WHEN arg_f <> 0 THEN true END;
CREATE MACRO teatree_system.pg.pg_ts_config_is_visible(arg_f) AS CASE WHEN arg_f <> 0 THEN true END;
CREATE MACRO teatree_system.pg.pg_ts_dict_is_visible(arg_f) AS CASE WHEN arg_f <> 0 THEN true END;
CREATE MACRO teatree_system.pg.pg_ts_parser_is_visible(arg_f) AS CASE WHEN arg_f <> 0 THEN true END;
CREATE MACRO teatree_system.pg.pg_ts_template_is_visible(arg_f) AS CASE WHEN arg_f <> 0 THEN true END;


CREATE MACRO teatree_system.support.made_pretty(arg_expression, arg_pretty) AS
  CASE WHEN arg_pretty AND arg_expression LIKE '%(%'
       THEN teatree_shown_expression(arg_expression, CAST([] AS VARCHAR[]), CAST([] AS VARCHAR[]), true) ELSE arg_expression END;
-- What a default draws from, or the type that it has, stands there without its schema if that is on the
-- search path.
CREATE MACRO teatree_system.support.without_path(arg_text) AS
  CASE WHEN list_contains(teatree_system.pg.current_schemas(false),
              trim(regexp_extract(arg_text, '(?:^nextval\(''|''::)("[^"]+"|[^".'':]+)\.', 1), '"'))
       THEN regexp_replace(arg_text, '(^nextval\(''|''::)("[^"]+"|[^".'':]+)\.', '\1') ELSE arg_text END;
CREATE MACRO teatree_system.pg.pg_get_expr(arg_expression, arg_relation) AS
    teatree_system.support.without_path(CAST(arg_expression AS VARCHAR)),
  (arg_expression, arg_relation, arg_pretty) AS
    teatree_system.support.made_pretty(teatree_system.support.without_path(CAST(arg_expression AS VARCHAR)), arg_pretty);
CREATE MACRO teatree_system.pg.pg_get_constraintdef(arg_key) AS
    (SELECT ti_definition FROM teatree_system.support.lookup_constraint WHERE ti_oid = arg_key),
  (arg_key, arg_pretty) AS
    (SELECT CASE WHEN ti_expression IS NULL THEN ti_definition
                 ELSE 'CHECK (' || teatree_system.support.made_pretty(ti_expression, arg_pretty) || ')' END
     FROM teatree_system.support.lookup_constraint WHERE ti_oid = arg_key);
CREATE MACRO teatree_system.pg.pg_get_indexdef(arg_index) AS
    (SELECT ti_definition FROM teatree_system.support.lookup_index WHERE ti_oid = arg_index),
  (arg_index, arg_place, arg_pretty) AS
    (SELECT CASE WHEN arg_place = 0 THEN CASE WHEN arg_pretty THEN ti_pretty ELSE ti_definition END
            WHEN ti_shown[CAST(arg_place AS INTEGER)] LIKE '(%'
              THEN '(' || teatree_system.support.made_pretty(ti_shown[CAST(arg_place AS INTEGER)], arg_pretty) || ')'
            ELSE teatree_system.support.made_pretty(ti_shown[CAST(arg_place AS INTEGER)], arg_pretty) END
     FROM teatree_system.support.lookup_index WHERE ti_oid = arg_index);
CREATE MACRO teatree_system.pg.pg_get_viewdef(arg_view) AS
    (SELECT ti_definition FROM teatree_system.support.lookup_view
     WHERE ti_oid = teatree_system.pg.regclass_in(arg_view)),
  (arg_view, arg_pretty) AS
    (SELECT ti_definition FROM teatree_system.support.lookup_view
     WHERE ti_oid = teatree_system.pg.regclass_in(arg_view));
CREATE MACRO teatree_system.pg.pg_get_ruledef(arg_rule) AS NULL::VARCHAR,
  (arg_rule, arg_pretty) AS NULL::VARCHAR;
CREATE MACRO teatree_system.pg.pg_get_triggerdef(arg_t) AS
    (SELECT ti_full FROM teatree_system.support.lookup_trigger WHERE ti_oid = arg_t),
  (arg_t, arg_pretty) AS
    (SELECT CASE WHEN arg_pretty THEN ti_short ELSE ti_full END
     FROM teatree_system.support.lookup_trigger WHERE ti_oid = arg_t);
CREATE MACRO teatree_system.pg.pg_get_partkeydef(arg_relation) AS NULL::VARCHAR;
CREATE MACRO teatree_system.pg.pg_get_statisticsobjdef_columns(arg_s) AS NULL::VARCHAR;
CREATE MACRO teatree_system.pg.pg_get_function_result(arg_f) AS
  (SELECT ti_result FROM teatree_system.support.lookup_proc WHERE ti_oid = arg_f);
CREATE MACRO teatree_system.pg.pg_get_function_arguments(arg_f) AS
  coalesce((SELECT string_agg(ti_argument, ', ' ORDER BY ti_place)
            FROM teatree_system.support.lookup_proc_argument WHERE ti_oid = arg_f AND ti_mode <> 't'),
           (SELECT ti_arguments FROM teatree_system.support.lookup_routine WHERE ti_oid = arg_f), '');
CREATE MACRO teatree_system.pg.pg_get_function_identity_arguments(arg_f) AS
  coalesce((SELECT ti_identity FROM teatree_system.support.lookup_routine WHERE ti_oid = arg_f),
           teatree_system.pg.pg_get_function_arguments(arg_f));
CREATE MACRO teatree_system.pg.pg_get_functiondef(arg_f) AS
  (SELECT ti_definition FROM teatree_system.support.lookup_routine WHERE ti_oid = arg_f);
CREATE MACRO teatree_system.pg.pg_get_function_sqlbody(arg_f) AS NULL::VARCHAR;
CREATE MACRO teatree_system.pg.serial_sequence_of(arg_relation, arg_col) AS
  (SELECT CASE WHEN ti_sequence LIKE '"main".%' THEN 'public.' ELSE '' END
          || teatree_system.support.sequence_regclass(ti_sequence)
   FROM teatree_system.support.lookup_column
   WHERE ti_table = arg_relation AND ti_name = arg_col AND ti_sequence IS NOT NULL);
CREATE MACRO teatree_system.pg.pg_get_serial_sequence(arg_relation, arg_col) AS
  teatree_system.pg.serial_sequence_of(teatree_system.pg.regclass_of(arg_relation), arg_col);
-- The same as a number: to name it and to look the name up again takes long to plan.
CREATE MACRO teatree_system.pg.serial_sequence_oid(arg_relation, arg_col) AS
  (SELECT ti_oid FROM teatree_system.support.lookup_owned_sequence
   WHERE ti_table = arg_relation AND ti_name = arg_col);

CREATE MACRO teatree_system.pg.obj_description(arg_object, arg_catalog) AS
    (SELECT ti_description FROM teatree_system.support.lookup_description
     WHERE ti_oid = arg_object AND ti_catalog = arg_catalog),
  (arg_object) AS
    (SELECT min(ti_description) FROM teatree_system.support.lookup_description WHERE ti_oid = arg_object);
CREATE MACRO teatree_system.pg.col_description(arg_relation, arg_place) AS
  (SELECT ti_comment FROM teatree_system.support.lookup_column
   WHERE ti_table = arg_relation AND ti_number = arg_place);
CREATE MACRO teatree_system.pg.shobj_description(arg_object, arg_catalog) AS
  (SELECT ti_description FROM teatree_system.support.lookup_shared_description
   WHERE ti_oid = arg_object AND ti_catalog = arg_catalog);

CREATE MACRO teatree_system.pg.pg_describe_object(arg_class, arg_object, arg_sub) AS
  CASE WHEN arg_class = 1259 THEN 'table ' || teatree_system.pg.regclass_out(arg_object) ELSE CAST(arg_object AS VARCHAR) END;

-- No table has partitions: a table is its own only ancestor, and its own whole tree.
CREATE MACRO teatree_system.pg.pg_partition_ancestors(arg_relation) AS
  unnest([teatree_system.pg.regclass_in(arg_relation)]);
