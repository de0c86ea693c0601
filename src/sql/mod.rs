//! SQL text to classified statements, and back to text for an engine.
//!
//! - `dialect.rs`: the dialect of the parser.
//! - `split.rs`: one message to its statements, with places for error positions; `spelling.rs`:
//!   words that the parser does not know.
//! - `statement.rs`: [`Statement`] and its [`Kind`]: everything a router needs to decide.
//! - `classify.rs`, `write.rs`, `define_write.rs`, `setting.rs`, `call.rs`: the parser's tree to a
//!   [`Kind`].
//! - `copy/`: COPY, read from tokens.
//! - `comment.rs`: what a sqlcommenter comment says.
//! - `lock.rs`: LOCK TABLE, and the functions of advisory locks.
//! - `define/`: changes of definitions in parts, for the Writer.
//! - `native.rs`: DuckDB's own SQL, which the PostgreSQL parser refuses.
//! - `object_kind.rs`: the kinds of objects that a DROP names.
//! - `forbidden.rs`: functions that no client may call, tables that none may change;
//!   `own_tables.rs`: those of the server's that users share.
//! - `literal_rows.rs`: the rows of an INSERT that need no engine to be evaluated.
//! - `params.rs`: `$1` with the types that clients declare.
//! - `declared_type.rs`: types of columns in CREATE TABLE.
//! - `dataset_rewrite.rs`: UPDATE and DELETE of a dataset as a query over it.
//! - `polars_query.rs`: a statement that Polars runs.
//! - `role/`: roles, privileges, owners.
//! - `routine/`: functions and procedures that users write in SQL.
//! - `trigger/`: triggers, and the transition tables of their procedures.
//! - `view/`: the queries of materialized views, and how they follow their inputs.
//! - `foreign_key.rs`: foreign keys.
//! - `affected.rs`: which rows a write changes, as a query; `returned.rs`: what RETURNING may name.
//! - `changing_with.rs`: a WITH whose queries write; `in_turn.rs`: a row that draws from a sequence
//!   and asks for it, column by column.
//! - `shown.rs`: expressions of definitions as PostgreSQL prints them.
//! - `rewrite/`: PostgreSQL's SQL as DuckDB's.
//!
//! **Invariants:** kinds are decided on the parsed tree, never on a prefix of the text. Nothing
//! outside this folder names the `sqlparser` crate.

mod affected;
mod analyze;
mod call;
mod changing_with;
mod classify;
mod comment;
mod copy;
mod cursor;
mod dataset_rewrite;
mod declared_type;
mod define;
mod define_write;
mod dialect;
mod forbidden;
mod foreign_key;
mod in_turn;
mod literal_rows;
mod lock;
mod native;
mod object_kind;
mod own_tables;
mod params;
mod parsed;
mod polars_query;
mod precedence;
pub mod rewrite;
mod returned;
mod role;
mod routine;
mod session_calls;
mod setting;
mod shown;
mod spelling;
mod split;
mod statement;
pub mod trigger;
pub mod view;
mod write;

pub use affected::Effect;
pub use analyze::{Analysis, RelationColumn, Relations, can_become, is_builtin, shows_as};
pub use call::{Argument, Call, CallArgument};
pub use changing_with::{ChangingWith, ReturnedRows};
pub use comment::{Comment, without_comments};
pub use copy::{CopyCondition, CopyFile, CopyIn, CopyOut, FileForm, ForceQuote};
pub use cursor::{CursorStatement, Direction};
pub use dataset_rewrite::DatasetRewrite;
pub use define::{
    CHECK_NAME_CODE, Candidates, ColumnDefault, ColumnSequence, ColumnShape, CommentOn,
    ConstraintKind, ConstraintShape, DOMAIN_CHECK, DOMAIN_CODE, DeclaredType, Definition, Domain,
    DomainCheck, Dropped, EnumPlace, IndexDetail, IndexPart, KEY_NAME_CODE, LikeOptions, LikeTable,
    MaterializedView, Overriding, OwnerChange, Restart, Sequence, SequenceChange, SequenceOwner,
    SequenceSpec, SequenceUse, Subject, SubjectKind, TYPE_CODE, TableAction, TableShape, TextLimit,
    ViewAction, check_name, key_name_note, length_limit, may_read_tables, renamed_in_view,
    renamed_key, sequence_default, view_tables, written_name,
};
pub use define_write::DefineWrite;
pub use dialect::parse_table_name;
pub use forbidden::check_table;
pub use foreign_key::{ForeignKey, ReferenceRules, ReferenceShape, ReferentialAction};
pub use literal_rows::{Cell, DefaultValue, default_value};
pub use lock::{AdvisoryAction, AdvisoryCall, LockStrength, LockTable};
pub use object_kind::ObjectKind;
pub use params::{duckdb_column, duckdb_type_name};
pub use parsed::ParsedTexts;
pub use polars_query::{PolarsQuery, PolarsTarget};
pub use role::{
    Acl, ObjectClass, Objects, PRIVILEGES, PrivilegeChange, RoleAction, RoleChange, RoleOptions,
    WrittenName,
};
pub use routine::{
    ArgumentMode, Language, MacroForm, NamedRoutine, Routine, RoutineAction, RoutineArgument,
    RoutineChange, RoutineKind, RoutineName, RoutineStatement, Routines, Volatility, check_result,
    macro_of, parse_body, signature, undefined_routine, view_functions,
};
pub use session_calls::Compute;
pub use setting::{Setting, TransactionMode, TransactionStatement};
pub use shown::{ColumnTypes, shown_expression};
pub use split::parse;
pub use statement::{ColumnSpec, Kind, Memo, Read, Statement, TableRef, Tag};
pub use write::{OnCommit, Write};

/// Folds an identifier as PostgreSQL does: unquoted ones become lower case.
fn fold(ident: &sqlparser::ast::Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// Quotes an identifier for any of the engines.
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
