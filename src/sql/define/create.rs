//! CREATE TABLE to its parts.

use std::ops::ControlFlow;

use sqlparser::ast::{
    self, ColumnDef, ColumnOption, CreateTableLikeKind, DataType, Expr, FunctionArg,
    FunctionArgExpr, FunctionArguments, TableConstraint, Value, visit_expressions,
};

use super::sequence::SequenceSpec;
use super::shape::{
    ColumnSequence, ColumnShape, ConstraintKind, ConstraintShape, DeclaredType, LikeTable,
    SequenceUse, TableShape, TextLimit,
};
use super::{Definition, LikeOptions, written_name};
use crate::error::{Error, Result};
use crate::ids::TableName;
use crate::sql::declared_type::pg_type_of;
use crate::sql::foreign_key::reference;
use crate::sql::rewrite::{self, NameContext};
use crate::sql::statement::TableRef;
use crate::sqlstate::SqlState;
use crate::types::{PgType, ScalarType, numeric_typmod};

/// Takes a CREATE TABLE without a query apart, rewritten for DuckDB.
pub(in crate::sql) fn create_table(
    create: &ast::CreateTable,
    options: LikeOptions,
    beside: Option<&TableRef>,
    names: &NameContext,
) -> Result<Definition> {
    let table = TableRef::from_object_name(&create.name)?.to_create(&names.search_path)?;
    if create.inherits.is_some() || create.partition_of.is_some() || create.partition_by.is_some() {
        return Err(Error::unsupported("inheritance and partitions are not supported"));
    }
    let mut create = create.clone();
    let like = match (create.like.take(), beside) {
        (Some(like), _) => Some(like_table(&like_name(&like)?, options, names)),
        (None, Some(name)) => Some(like_table(name, options, names)),
        (None, None) => None,
    };
    let known: Vec<String> =
        create.columns.iter().map(|column| column.name.value.clone()).collect();
    let extras = create
        .columns
        .iter_mut()
        .map(|column| take_extras(column, names))
        .collect::<Result<Vec<_>>>()?;
    let mut references = Vec::new();
    for constraint in std::mem::take(&mut create.constraints) {
        match constraint {
            TableConstraint::ForeignKey(key) => references.push(foreign_key(&key, false, names)?),
            other => create.constraints.push(other),
        }
    }
    let mut checked = Vec::new();
    for constraint in &create.constraints {
        if let TableConstraint::Check(check) = constraint {
            checked.push(columns_in(&check.expr, &known));
        }
    }
    let mut tree = ast::Statement::CreateTable(create);
    rewrite::for_duckdb(&mut tree, names)?;
    let ast::Statement::CreateTable(create) = tree else {
        return Err(Error::internal("a CREATE TABLE became something else"));
    };
    let mut shape = TableShape::default();
    for (column, extra) in create.columns.iter().zip(extras) {
        let (column, constraints) = column_shape(column, extra, &known)?;
        shape.columns.push(column);
        shape.constraints.extend(constraints);
    }
    let mut checked = checked.into_iter();
    for constraint in &create.constraints {
        let mut constraint = table_constraint(constraint)?;
        if constraint.kind == ConstraintKind::Check {
            constraint.columns = checked.next().unwrap_or_default();
        }
        shape.constraints.push(constraint);
    }
    shape.constraints.extend(references);
    check_keys(&mut shape, &table)?;
    Ok(Definition::CreateTable {
        table,
        if_not_exists: create.if_not_exists,
        shape,
        like: like.into_iter().collect(),
    })
}

/// A primary key's columns are NOT NULL, and a table has one such key at most.
fn check_keys(shape: &mut TableShape, table: &TableName) -> Result<()> {
    let primary: Vec<&ConstraintShape> =
        shape.constraints.iter().filter(|c| c.kind == ConstraintKind::PrimaryKey).collect();
    if primary.len() > 1 {
        return Err(Error::new(
            SqlState::INVALID_TABLE_DEFINITION,
            format!("multiple primary keys for table \"{}\" are not allowed", table.table),
        ));
    }
    let key: Vec<String> = primary.iter().flat_map(|key| key.columns.clone()).collect();
    for column in shape.columns.iter_mut().filter(|column| key.contains(&column.name)) {
        column.not_null = true;
    }
    Ok(())
}

/// What the rewriting for DuckDB would lose of a column.
#[derive(Default)]
pub(super) struct Extras {
    sequence: Option<ColumnSequence>,
    uses: Option<SequenceUse>,
    limit: Option<TextLimit>,
    declared: Option<DeclaredType>,
    not_null: bool,
    named_type: Vec<TableName>,
    references: Vec<ConstraintShape>,
}

/// Takes out of a column what DuckDB does not know: serial, identity, a length, a foreign key.
pub(super) fn take_extras(column: &mut ColumnDef, names: &NameContext) -> Result<Extras> {
    check_modifier(&column.data_type)?;
    let defaults = column.options.iter().filter(|o| matches!(o.option, ColumnOption::Default(_)));
    if defaults.count() > 1 {
        return Err(Error::syntax(format!(
            "multiple default values specified for column \"{}\"",
            column.name.value
        )));
    }
    let mut extras = Extras {
        limit: text_limit(&column.data_type),
        declared: declared(&column.data_type),
        named_type: named_type(&column.data_type, names)?,
        ..Extras::default()
    };
    if let Some((plain, type_name)) = serial(&column.data_type) {
        column.data_type = plain;
        let spec = SequenceSpec { type_name: Some(type_name.to_owned()), ..Default::default() };
        extras.sequence = Some(ColumnSequence { kind: 0, spec });
        extras.not_null = true;
        let given = column.options.iter().any(|o| matches!(o.option, ColumnOption::Default(_)));
        if given {
            return Err(Error::syntax(format!(
                "multiple default values specified for column \"{}\"",
                column.name.value
            )));
        }
    }
    let mut kept = Vec::new();
    for option in std::mem::take(&mut column.options) {
        match &option.option {
            ColumnOption::Generated {
                generated_as,
                sequence_options,
                generation_expr: None,
                ..
            } => {
                let mut spec = SequenceSpec::from_options(sequence_options.as_deref())?;
                spec.type_name = Some(integer_name(&column.data_type)?.to_owned());
                let kind = if matches!(generated_as, ast::GeneratedAs::ByDefault) { 1 } else { 2 };
                extras.sequence = Some(ColumnSequence { kind, spec });
                extras.not_null = true;
            }
            ColumnOption::Default(expr) => {
                extras.uses = sequence_use(expr, names);
                kept.push(option);
            }
            ColumnOption::ForeignKey(key) => {
                let mut shape = foreign_key(key, false, names)?;
                shape.columns = vec![column.name.value.clone()];
                shape.name = option.name.as_ref().map(|name| name.value.clone());
                extras.references.push(shape);
            }
            _ => kept.push(option),
        }
    }
    column.options = kept;
    Ok(extras)
}

/// Makes the parts of a column and of its constraints, after the rewriting.
pub(super) fn column_shape(
    column: &ColumnDef,
    extras: Extras,
    known: &[String],
) -> Result<(ColumnShape, Vec<ConstraintShape>)> {
    let name = column.name.value.clone();
    let mut shape = ColumnShape {
        name: name.clone(),
        data_type: column.data_type.to_string(),
        not_null: extras.not_null,
        uses: extras.uses,
        sequence: extras.sequence,
        limit: extras.limit,
        declared: extras.declared,
        named_type: extras.named_type,
        ..ColumnShape::default()
    };
    let mut constraints = Vec::new();
    for option in &column.options {
        let given = option.name.as_ref().map(|name| name.value.clone());
        let mut add = |kind, columns, text| {
            let name = given.clone();
            constraints.push(ConstraintShape { kind, name, columns, text, reference: None });
        };
        match &option.option {
            ColumnOption::Null => {}
            ColumnOption::NotNull => shape.not_null = true,
            ColumnOption::Default(expr) => shape.default = Some(expr.to_string()),
            ColumnOption::PrimaryKey(_) => {
                shape.not_null = true;
                add(ConstraintKind::PrimaryKey, vec![name.clone()], String::new());
            }
            ColumnOption::Unique(_) => {
                add(ConstraintKind::Unique, vec![name.clone()], String::new())
            }
            ColumnOption::Check(check) => {
                let columns = columns_in(&check.expr, known);
                add(ConstraintKind::Check, columns, check.expr.to_string());
            }
            ColumnOption::Generated { generation_expr: Some(expr), .. } => {
                shape.generated = Some(expr.to_string());
            }
            ColumnOption::Collation(collation) => check_collation(collation)?,
            other => {
                return Err(Error::unsupported(format!("column option {other} is not supported")));
            }
        }
    }
    constraints.extend(extras.references);
    Ok((shape, constraints))
}

fn check_collation(collation: &ast::ObjectName) -> Result<()> {
    let last = collation.0.last().and_then(|part| part.as_ident()).map(|i| i.value.as_str());
    if matches!(last, Some("default" | "C" | "POSIX" | "ucs_basic")) {
        return Ok(());
    }
    Err(Error::unsupported(format!("collation {collation} is not supported")))
}

/// Makes the parts of a table constraint, after the rewriting.
pub(super) fn table_constraint(constraint: &TableConstraint) -> Result<ConstraintShape> {
    let named = |name: &Option<ast::Ident>| name.as_ref().map(|name| name.value.clone());
    Ok(match constraint {
        TableConstraint::PrimaryKey(key) => ConstraintShape {
            kind: ConstraintKind::PrimaryKey,
            name: named(&key.name),
            columns: key_columns(&key.columns)?,
            text: String::new(),
            reference: None,
        },
        TableConstraint::Unique(key) => {
            if matches!(key.nulls_distinct, ast::NullsDistinctOption::NotDistinct) {
                return Err(Error::unsupported("NULLS NOT DISTINCT is not supported"));
            }
            ConstraintShape {
                kind: ConstraintKind::Unique,
                name: named(&key.name),
                columns: key_columns(&key.columns)?,
                text: String::new(),
                reference: None,
            }
        }
        TableConstraint::Check(check) => ConstraintShape {
            kind: ConstraintKind::Check,
            name: named(&check.name),
            columns: Vec::new(),
            text: check.expr.to_string(),
            reference: None,
        },
        other => {
            return Err(Error::unsupported(format!("constraint {other} is not supported")));
        }
    })
}

fn key_columns(columns: &[ast::IndexColumn]) -> Result<Vec<String>> {
    let plain = |column: &ast::IndexColumn| match &column.column.expr {
        Expr::Identifier(ident) => Ok(ident.value.clone()),
        other => Err(Error::syntax(format!("syntax error at or near \"{other}\""))),
    };
    columns.iter().map(plain).collect()
}

/// Makes the parts of a foreign key.
pub(super) fn foreign_key(
    key: &ast::ForeignKeyConstraint,
    not_valid: bool,
    names: &NameContext,
) -> Result<ConstraintShape> {
    Ok(ConstraintShape {
        kind: ConstraintKind::ForeignKey,
        name: key.name.as_ref().map(|name| name.value.clone()),
        columns: key.columns.iter().map(|column| column.value.clone()).collect(),
        text: String::new(),
        reference: Some(Box::new(reference(key, not_valid, names)?)),
    })
}

/// Lists the table's columns that an expression names.
pub(super) fn columns_in(expr: &Expr, known: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let _: ControlFlow<()> = visit_expressions(expr, |expr| {
        let ident = match expr {
            Expr::Identifier(ident) => Some(ident),
            Expr::CompoundIdentifier(idents) => idents.last(),
            _ => None,
        };
        if let Some(ident) = ident
            && known.contains(&ident.value)
            && !found.contains(&ident.value)
        {
            found.push(ident.value.clone());
        }
        ControlFlow::Continue(())
    });
    found
}

/// Lists what a type's name may mean that PostgreSQL does not have itself.
fn named_type(data_type: &DataType, names: &NameContext) -> Result<Vec<TableName>> {
    let mut rewritten = data_type.clone();
    // `serial` is no type to the rewriting.
    let known = rewrite::rewrite_type(&mut rewritten);
    match (data_type, rewritten) {
        (DataType::Custom(name, modifiers), DataType::Custom(..))
            if known.is_ok() && modifiers.is_empty() =>
        {
            let name = TableRef::from_object_name(name)?;
            Ok(name.candidates(&names.search_path).collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn serial(data_type: &DataType) -> Option<(DataType, &'static str)> {
    let DataType::Custom(name, _) = data_type else { return None };
    Some(match name.to_string().as_str() {
        "serial" | "serial4" => (DataType::Integer(None), "integer"),
        "bigserial" | "serial8" => (DataType::BigInt(None), "bigint"),
        "smallserial" | "serial2" => (DataType::SmallInt(None), "smallint"),
        _ => return None,
    })
}

pub(super) fn integer_name(data_type: &DataType) -> Result<&'static str> {
    match data_type {
        DataType::Integer(_) | DataType::Int(_) | DataType::Int4(_) => Ok("integer"),
        DataType::BigInt(_) | DataType::Int8(_) => Ok("bigint"),
        DataType::SmallInt(_) | DataType::Int2(_) => Ok("smallint"),
        DataType::Custom(name, _) => match name.to_string().as_str() {
            "int4" => Ok("integer"),
            "int8" => Ok("bigint"),
            "int2" => Ok("smallint"),
            _ => Err(not_for_identity()),
        },
        _ => Err(not_for_identity()),
    }
}

fn not_for_identity() -> Error {
    Error::new(
        SqlState::INVALID_PARAMETER_VALUE,
        "identity column type must be smallint, integer, or bigint",
    )
}

/// # Errors
/// 22023 for a length or a precision that no value has.
fn check_modifier(data_type: &DataType) -> Result<()> {
    let refused = |message| Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, message));
    if let Some(TextLimit { length: 0, type_name }) = text_limit(data_type) {
        let name = if type_name == "character" { "char" } else { "varchar" };
        return refused(format!("length for type {name} must be at least 1"));
    }
    let info = match data_type {
        DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => info,
        _ => return Ok(()),
    };
    match info {
        ast::ExactNumberInfo::Precision(precision)
        | ast::ExactNumberInfo::PrecisionAndScale(precision, _)
            if !(1..=1000).contains(precision) =>
        {
            refused(format!("NUMERIC precision {precision} must be between 1 and 1000"))
        }
        _ => Ok(()),
    }
}

pub(super) fn text_limit(data_type: &DataType) -> Option<TextLimit> {
    let (length, type_name) = match data_type {
        DataType::Varchar(length)
        | DataType::CharacterVarying(length)
        | DataType::CharVarying(length) => (length.as_ref()?, "character varying"),
        DataType::Char(Some(length)) | DataType::Character(Some(length)) => (length, "character"),
        DataType::Char(None) | DataType::Character(None) => {
            return Some(TextLimit { length: 1, type_name: "character".to_owned() });
        }
        _ => return None,
    };
    match length {
        ast::CharacterLength::IntegerLength { length, .. } => {
            Some(TextLimit { length: *length, type_name: type_name.to_owned() })
        }
        ast::CharacterLength::Max => None,
    }
}

/// What a declared type says beyond what DuckDB's tells.
pub(super) fn declared(data_type: &DataType) -> Option<DeclaredType> {
    use ScalarType as S;
    let (pg_type, modifier) = pg_type_of(data_type)?;
    let is_told = match (pg_type, pg_type.scalar()) {
        (_, S::Json) | (PgType::Array(_), S::Varchar | S::Bpchar) => true,
        (PgType::Array(_), S::Numeric) => modifier >= 0,
        // A length has its own CHECK.
        (_, S::Varchar | S::Bpchar) => modifier < 0,
        // As those are kept that were declared without a scale.
        (_, S::Numeric) => modifier == numeric_typmod(38, 10),
        (_, S::Timestamp | S::Timestamptz | S::Time | S::Timetz | S::Interval) => modifier >= 0,
        _ => false,
    };
    is_told.then(|| DeclaredType { oid: pg_type.oid(), modifier })
}

/// Finds the sequence that a plain `nextval('name')` names.
pub(super) fn sequence_use(expr: &Expr, names: &NameContext) -> Option<SequenceUse> {
    let text = match expr {
        Expr::Nested(inner) => return sequence_use(inner, names),
        Expr::Function(function) => {
            let last = function.name.0.last()?.as_ident()?;
            let FunctionArguments::List(list) = &function.args else { return None };
            let [FunctionArg::Unnamed(FunctionArgExpr::Expr(arg))] = list.args.as_slice() else {
                return None;
            };
            if last.value != "nextval" {
                return None;
            }
            as_sequence_name(arg)?
        }
        _ => return None,
    };
    Some(SequenceUse { candidates: name_candidates(&text, &names.search_path) })
}

/// Reads the literal that names a sequence: `'s'` or `'s'::regclass`.
pub(in crate::sql) fn as_sequence_name(expr: &Expr) -> Option<String> {
    match expr {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.clone()),
            _ => None,
        },
        Expr::Cast { expr, data_type, .. } => {
            let named = match data_type {
                DataType::Regclass | DataType::Text => true,
                DataType::Custom(name, _) => name.to_string().ends_with("regclass"),
                _ => false,
            };
            if named { as_sequence_name(expr) } else { None }
        }
        Expr::Nested(inner) => as_sequence_name(inner),
        _ => None,
    }
}

fn name_candidates(text: &str, search_path: &[String]) -> Vec<TableName> {
    let (schema, table) = written_name(text);
    TableRef { database: None, schema, table }.candidates(search_path).collect()
}

fn like_name(like: &CreateTableLikeKind) -> Result<TableRef> {
    let (CreateTableLikeKind::Parenthesized(like) | CreateTableLikeKind::Plain(like)) = like;
    TableRef::from_object_name(&like.name)
}

fn like_table(table: &TableRef, options: LikeOptions, names: &NameContext) -> LikeTable {
    LikeTable {
        table: table.candidates(&names.search_path).collect(),
        defaults: options.defaults,
        identity: options.identity,
        constraints: options.constraints,
        indexes: options.indexes,
        comments: options.comments,
    }
}
