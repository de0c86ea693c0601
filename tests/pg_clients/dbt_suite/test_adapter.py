"""The classes of dbt-tests-adapter that say what a PostgreSQL adapter does, as they are.

Left out, as dbt-postgres leaves them out: BaseClonePossible (no clones),
BaseEscapeSingleQuotesBackslash, BaseTestEmptyInlineSourceRef and BaseCurrentTimestampNaive (of
other databases), functions in Python and JavaScript, aggregates, Python models, catalogs of other
systems and BaseGetCatalogForSingleRelation. BaseTestEmptySeedFlag wants a later dbt-core.
"""

import importlib

CLASSES = {
    "aliases.test_aliases": """BaseAliases BaseAliasErrors BaseSameAliasDifferentSchemas
        BaseSameAliasDifferentDatabases""",
    "basic.test_adapter_methods": "BaseAdapterMethod",
    "basic.test_base": "BaseSimpleMaterializations",
    "basic.test_docs_generate": "BaseDocsGenerate BaseDocsGenReferences",
    "basic.test_empty": "BaseEmpty",
    "basic.test_ephemeral": "BaseEphemeral",
    "basic.test_generic_tests": "BaseGenericTests",
    "basic.test_incremental": """BaseIncremental BaseIncrementalNotSchemaChange
        BaseIncrementalBadStrategy""",
    "basic.test_singular_tests": "BaseSingularTests",
    "basic.test_singular_tests_ephemeral": "BaseSingularTestsEphemeral",
    "basic.test_snapshot_check_cols": "BaseSnapshotCheckCols",
    "basic.test_snapshot_timestamp": "BaseSnapshotTimestamp",
    "basic.test_table_materialization": "BaseTableMaterialization",
    "basic.test_validate_connection": "BaseValidateConnection",
    "caching.test_caching": """BaseCachingLowercaseModel BaseCachingSelectedSchemaOnly
        BaseCachingUppercaseModel BaseNoPopulateCache""",
    "catalog.relation_types": "CatalogRelationTypes",
    "column_types.test_column_types": "BasePostgresColumnTypes",
    "concurrency.test_concurrency": "BaseConcurrency",
    "constraints.test_constraints": """BaseTableConstraintsColumnsEqual
        BaseViewConstraintsColumnsEqual BaseIncrementalConstraintsColumnsEqual
        BaseConstraintsRuntimeDdlEnforcement BaseConstraintsRollback
        BaseIncrementalConstraintsRuntimeDdlEnforcement BaseIncrementalConstraintsRollback
        BaseTableContractSqlHeader BaseIncrementalContractSqlHeader
        BaseModelConstraintsRuntimeEnforcement BaseConstraintQuotedColumn
        BaseIncrementalForeignKeyConstraint""",
    "dbt_clone.test_dbt_clone": "BaseCloneNotPossible BaseCloneSameTargetAndState",
    "dbt_debug.test_dbt_debug": """BaseDebugProfileVariable BaseDebugPostgres
        BaseDebugInvalidProjectPostgres""",
    "dbt_show.test_dbt_show": "BaseShowLimit BaseShowSqlHeader BaseShowDoesNotHandleDoubleLimit",
    "empty.test_empty": "BaseTestEmpty",
    "functions.test_udfs": """UDFsBasic DeterministicUDF StableUDF NonDeterministicUDF
        ErrorForUnsupportedType PythonUDFNotSupported CanFindScalarFunctionRelation""",
    "incremental.test_incremental_merge_exclude_columns": "BaseMergeExcludeColumns",
    "incremental.test_incremental_microbatch": "BaseMicrobatch",
    "incremental.test_incremental_on_schema_change": "BaseIncrementalOnSchemaChange",
    "incremental.test_incremental_predicates": "BaseIncrementalPredicates",
    "incremental.test_incremental_unique_id": "BaseIncrementalUniqueKey",
    "persist_docs.test_persist_docs": """BasePersistDocs BasePersistDocsColumnMissing
        BasePersistDocsAllColumnsMissing BasePersistDocsQuotedColumnCaseSensitive
        BasePersistDocsQuotedDescriptionNotAppliedOnMismatch BasePersistDocsCommentOnQuotedColumn""",
    "query_comment.test_query_comment": """BaseQueryComments BaseMacroQueryComments
        BaseMacroArgsQueryComments BaseMacroInvalidQueryComments BaseNullQueryComments
        BaseEmptyQueryComments""",
    "relations.test_changing_relation_type": "BaseChangeRelationTypeValidator",
    "relations.test_dropping_schema_named": "BaseDropSchemaNamed",
    "sample_mode.test_sample_mode": "BaseSampleModeTest",
    "simple_copy.test_simple_copy": "SimpleCopyBase EmptyModelsArentRunBase",
    "simple_seed.test_seed": """BaseBasicSeedTests BaseSeedConfigFullRefreshOn
        BaseSeedConfigFullRefreshOff BaseSeedCustomSchema BaseSeedWithUniqueDelimiter
        BaseSeedWithWrongDelimiter BaseSeedWithEmptyDelimiter BaseSimpleSeedEnabledViaConfig
        BaseSeedParsing BaseSeedSpecificFormats BaseTestEmptySeed""",
    "simple_seed.test_seed_type_override": "BaseSimpleSeedColumnOverride",
    "simple_snapshot.new_record_check_mode": "BaseSnapshotNewRecordCheckMode",
    "simple_snapshot.new_record_dbt_valid_to_current": "BaseSnapshotNewRecordDbtValidToCurrent",
    "simple_snapshot.new_record_timestamp_mode": "BaseSnapshotNewRecordTimestampMode",
    "simple_snapshot.test_ephemeral_snapshot_hard_deletes": """BaseSnapshotEphemeralHardDeletes
        BaseSnapshotNewColumnTimestampStrategy BaseSnapshotNewColumnSpecificCheckCols
        BaseSnapshotNewColumnWithDeletes""",
    "simple_snapshot.test_snapshot": "BaseSimpleSnapshot BaseSnapshotCheck",
    "simple_snapshot.test_various_configs": """BaseSnapshotColumnNames
        BaseSnapshotColumnNamesFromDbtProject BaseSnapshotInvalidColumnNames
        BaseSnapshotDbtValidToCurrent BaseSnapshotMultiUniqueKey""",
    "store_test_failures_tests.test_store_test_failures": """BaseStoreTestFailures
        BaseStoreTestFailuresLimit""",
    "unit_testing.test_case_insensitivity": "BaseUnitTestCaseInsensivity",
    "unit_testing.test_invalid_input": "BaseUnitTestInvalidInput",
    "unit_testing.test_quoted_reserved_word_column_names": """
        BaseUnitTestQuotedReservedWordColumnNames""",
    "unit_testing.test_types": """BaseUnitTestingTypes BaseUnitTestingVarcharFixtureNoTruncation""",
    "utils.data_types.test_type_bigint": "BaseTypeBigInt",
    "utils.data_types.test_type_boolean": "BaseTypeBoolean",
    "utils.data_types.test_type_float": "BaseTypeFloat",
    "utils.data_types.test_type_int": "BaseTypeInt",
    "utils.data_types.test_type_numeric": "BaseTypeNumeric",
    "utils.data_types.test_type_string": "BaseTypeString",
    "utils.data_types.test_type_timestamp": "BaseTypeTimestamp",
    "utils.test_any_value": "BaseAnyValue",
    "utils.test_array_append": "BaseArrayAppend",
    "utils.test_array_concat": "BaseArrayConcat",
    "utils.test_array_construct": "BaseArrayConstruct",
    "utils.test_bool_or": "BaseBoolOr",
    "utils.test_cast": "BaseCast",
    "utils.test_cast_bool_to_text": "BaseCastBoolToText",
    "utils.test_concat": "BaseConcat",
    "utils.test_current_timestamp": "BaseCurrentTimestampAware",
    "utils.test_date": "BaseDate",
    "utils.test_date_spine": "BaseDateSpine",
    "utils.test_date_trunc": "BaseDateTrunc",
    "utils.test_dateadd": "BaseDateAdd",
    "utils.test_datediff": "BaseDateDiff",
    "utils.test_equals": "BaseEquals",
    "utils.test_escape_single_quotes": "BaseEscapeSingleQuotesQuote",
    "utils.test_except": "BaseExcept",
    "utils.test_generate_series": "BaseGenerateSeries",
    "utils.test_get_intervals_between": "BaseGetIntervalsBetween",
    "utils.test_get_powers_of_two": "BaseGetPowersOfTwo",
    "utils.test_hash": "BaseHash",
    "utils.test_intersect": "BaseIntersect",
    "utils.test_last_day": "BaseLastDay",
    "utils.test_length": "BaseLength",
    "utils.test_listagg": "BaseListagg",
    "utils.test_null_compare": "BaseMixedNullCompare BaseNullCompare",
    "utils.test_position": "BasePosition",
    "utils.test_replace": "BaseReplace",
    "utils.test_right": "BaseRight",
    "utils.test_safe_cast": "BaseSafeCast",
    "utils.test_source_freshness_custom_info": "BaseCalculateFreshnessMethod",
    "utils.test_split_part": "BaseSplitPart",
    "utils.test_string_literal": "BaseStringLiteral",
    "utils.test_timestamps": "BaseCurrentTimestamps",
    "utils.test_validate_sql": "BaseValidateSqlMethod",
}

for module, names in CLASSES.items():
    loaded = importlib.import_module(f"dbt.tests.adapter.{module}")
    for name in names.split():
        test = "Test" + name.removeprefix("Base")
        assert test not in globals(), test
        globals()[test] = type(test, (getattr(loaded, name),), {"__module__": __name__})
