//! What only whole statements have: names in DDL that the tree's walk does not offer as relations,
//! types of columns, and clauses that have no meaning here.

use sqlparser::ast::{
    AlterColumnOperation, AlterTableOperation, ColumnDef, ColumnOption, CommentObject, CreateTable,
    CreateTableOptions, DataType, Expr, ObjectName, ObjectType, RenameTableNameKind, SchemaName,
    Statement, TableConstraint, Value,
};

use super::{NameContext, casts, names, types};
use crate::error::{Error, Result};
use crate::sql::define::split_assignments;

/// Rewrites a statement's own parts; expressions and queries inside are visited afterwards.
pub(super) fn rewrite(statement: &mut Statement, context: &NameContext) -> Result<()> {
    match statement {
        Statement::CreateTable(table) => create_table(table, context),
        Statement::Update(update) => split_assignments(update),
        Statement::CreateView(view) => names::relation(&mut view.name, context),
        Statement::CreateIndex(index) => {
            // Every index is DuckDB's own kind; building it does not lock readers out.
            index.using = None;
            index.concurrently = false;
            Ok(())
        }
        Statement::CreateSequence { name, data_type, owned_by, .. } => {
            // DuckDB's sequences are all bigint and belong to nobody.
            *data_type = None;
            *owned_by = None;
            names::relation(name, context)
        }
        Statement::CreateType { name, .. } => names::relation(name, context),
        Statement::CreateSchema { schema_name, .. } => {
            create_schema(schema_name, context);
            Ok(())
        }
        Statement::Drop { object_type, names: dropped, .. } => {
            for name in dropped {
                match object_type {
                    ObjectType::Schema => names::schema(name, context),
                    _ => names::relation(name, context)?,
                }
            }
            Ok(())
        }
        Statement::AlterTable(alter) => {
            alter.only = false;
            alter.operations.iter_mut().try_for_each(|operation| alter_table(operation, context))
        }
        Statement::Comment { object_name, object_type, comment, .. } => {
            // The parser gives the text as it means, and writes it as it stands.
            if let Some(comment) = comment {
                *comment = comment.replace('\'', "''");
            }
            // A materialized view is a view of DuckDB's over the rows that are kept.
            if *object_type == CommentObject::MaterializedView {
                *object_type = CommentObject::View;
            }
            comment_name(object_name, &object_type.to_string(), context)
        }
        Statement::Truncate(truncate) => {
            for target in &mut truncate.table_names {
                target.only = false;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn create_schema(name: &mut SchemaName, context: &NameContext) {
    let object = match name {
        SchemaName::Simple(object) | SchemaName::NamedAuthorization(object, _) => object.clone(),
        SchemaName::UnnamedAuthorization(user) => ObjectName::from(user.clone()),
    };
    let mut object = object;
    names::schema(&mut object, context);
    *name = SchemaName::Simple(object);
}

fn create_table(table: &mut CreateTable, context: &NameContext) -> Result<()> {
    // Storage parameters, such as fillfactor, mean nothing here.
    table.table_options = CreateTableOptions::None;
    // The session sees to it.
    table.on_commit = None;
    for column in &mut table.columns {
        column_def(column, context)?;
    }
    for constraint in &mut table.constraints {
        if let TableConstraint::ForeignKey(key) = constraint {
            names::relation(&mut key.foreign_table, context)?;
        }
    }
    Ok(())
}

fn column_def(column: &mut ColumnDef, context: &NameContext) -> Result<()> {
    let written = column.data_type.clone();
    types::rewrite(&mut column.data_type)?;
    for option in &mut column.options {
        match &mut option.option {
            // DuckDB has another text for a list.
            ColumnOption::Default(default)
                if matches!(written, DataType::Array(_))
                    && matches!(&*default, Expr::Value(value)
                        if matches!(value.value, Value::SingleQuotedString(_))) =>
            {
                let text = names::take(default);
                *default = casts::cast_to(text, written.clone());
            }
            ColumnOption::ForeignKey(key) => names::relation(&mut key.foreign_table, context)?,
            ColumnOption::Generated { generation_expr: None, .. } | ColumnOption::Identity(_) => {
                return Err(Error::unsupported("identity columns are not supported")
                    .with_hint("Create a sequence and use nextval() as the column's default."));
            }
            _ => {}
        }
    }
    Ok(())
}

fn alter_table(operation: &mut AlterTableOperation, context: &NameContext) -> Result<()> {
    match operation {
        AlterTableOperation::AddColumn { column_def: column, .. } => column_def(column, context),
        AlterTableOperation::AddConstraint {
            constraint: TableConstraint::ForeignKey(key), ..
        } => names::relation(&mut key.foreign_table, context),
        AlterTableOperation::AlterColumn {
            op: AlterColumnOperation::SetDataType { data_type, .. },
            ..
        } => types::rewrite(data_type),
        AlterTableOperation::RenameTable {
            table_name: RenameTableNameKind::To(name) | RenameTableNameKind::As(name),
        } => {
            if let Some(last) = name.0.pop() {
                name.0 = vec![last];
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// COMMENT names a column by its table's name and its own.
fn comment_name(name: &mut ObjectName, object: &str, context: &NameContext) -> Result<()> {
    if !object.eq_ignore_ascii_case("column") {
        return names::relation(name, context);
    }
    let Some(column) = name.0.pop() else { return Ok(()) };
    names::relation(name, context)?;
    name.0.push(column);
    Ok(())
}
