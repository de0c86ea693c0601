//! Rows of literals and parameters, resolved against their table.

use super::draws::draws_of;
use crate::engine::duckdb::{ShapeColumn, TableShape};
use crate::error::{Error, ErrorObject, Result};
use crate::ids::TableName;
use crate::intent::{Body, Draw, Moment, Values, ValuesTarget};
use crate::router::StatementContext;
use crate::sql::{Cell, ColumnDefault, DefaultValue, default_value};
use crate::sqlstate::SqlState;
use crate::types::{self, Column, InputStyle, PgType, ScalarType, Value};

/// An INSERT of literal rows, resolved against its table.
#[derive(Debug)]
pub(super) struct InsertPlan {
    moment: Moment,
    search_path: Vec<String>,
    style: InputStyle,
    target: ValuesTarget,
    not_null: Vec<bool>,
    rows: Vec<Vec<PlanCell>>,
    /// The type of each parameter.
    pub(super) params: Vec<PgType>,
    /// Each parameter is used once.
    params_once: bool,
    /// Nothing can refuse a row that fits the columns.
    pub(super) certain: bool,
}

/// One value of a planned row.
#[derive(Clone, Debug)]
enum PlanCell {
    Ready(Value),
    Param(usize),
}

impl InsertPlan {
    /// Tells whether the plan holds for a run in this moment and these surroundings.
    pub(super) fn is_for(
        &self,
        moment: Moment,
        types: &[Option<PgType>],
        context: &StatementContext,
    ) -> bool {
        let fits = |(known, mine): (&Option<PgType>, &PgType)| known.is_none_or(|t| t == *mine);
        self.moment == moment
            && self.search_path == context.query.search_path
            && self.style == context.input_style
            && types.iter().zip(&self.params).all(fits)
    }

    /// Builds the body of one run.
    pub(super) fn body(&self, params: Vec<Value>) -> Result<Body> {
        let rows = self.fill(params)?;
        let certain_at = self.certain.then_some(self.moment);
        Ok(Body::Values(Values { target: self.target.clone(), rows, certain_at }))
    }

    /// Puts parameters into their places.
    fn fill(&self, mut params: Vec<Value>) -> Result<Vec<Vec<Value>>> {
        let mut rows = Vec::with_capacity(self.rows.len());
        for cells in &self.rows {
            let mut row = Vec::with_capacity(cells.len());
            for (place, cell) in cells.iter().enumerate() {
                let column = &self.target.columns[place];
                let value = match cell {
                    PlanCell::Ready(value) => value.clone(),
                    PlanCell::Param(index) => self.param(*index, &mut params, column)?,
                };
                if value == Value::Null && self.not_null[place] {
                    return Err(null_value(&column.name, &self.target.table));
                }
                row.push(value);
            }
            rows.push(row);
        }
        Ok(rows)
    }

    fn param(&self, index: usize, params: &mut [Value], column: &Column) -> Result<Value> {
        let given =
            params.get_mut(index).ok_or_else(|| Error::internal("a parameter is missing"))?;
        let value =
            if self.params_once { std::mem::replace(given, Value::Null) } else { given.clone() };
        types::assign(column, self.params[index], value, self.style.time_zone)?.ok_or_else(|| {
            Error::new(
                SqlState::DATETIME_FIELD_OVERFLOW,
                format!("{} out of range", column.pg_type.sql_name()),
            )
        })
    }
}

/// The moment of the definitions, the search path, how texts are read.
type Surroundings = (Moment, Vec<String>, InputStyle);

/// Resolves rows against a table; `None` when something of it is not exactly known here.
pub(super) fn plan(
    shape: &TableShape,
    named: &[String],
    mut cells: Vec<Vec<Cell>>,
    known: &[Option<PgType>],
    param_count: usize,
    (moment, search_path, style): Surroundings,
) -> Result<Option<InsertPlan>> {
    let width = cells.first().map_or(0, Vec::len);
    if shape.generated || width == 0 || cells.iter().any(|row| row.len() != width) {
        return Ok(None);
    }
    let Some(mut given) = given_columns(shape, named, width) else { return Ok(None) };
    leave_defaults_out(&mut given, &mut cells);
    let Some(columns) = given.iter().map(|column| column.column.clone()).collect() else {
        return Ok(None);
    };
    let columns: Vec<Column> = columns;
    let mut draws = Vec::new();
    let Some(rest_is_certain) = check_omitted(shape, &given, style, &mut draws)? else {
        return Ok(None);
    };
    let mut params = Params::new(known, param_count);
    let mut rows = Vec::with_capacity(cells.len());
    for row in cells {
        let mut planned = Vec::with_capacity(row.len());
        for (cell, column) in row.into_iter().zip(&columns) {
            let Some(cell) = plan_cell(cell, column, &mut params, style)? else {
                return Ok(None);
            };
            planned.push(cell);
        }
        rows.push(planned);
    }
    if columns.is_empty() || params.uses.contains(&0) {
        return Ok(None);
    }
    let certain = moment.is_quiet()
        && !shape.constrained
        && rest_is_certain
        && columns.iter().all(|column| is_certain_type(column.pg_type));
    let Some(types) = params.types.into_iter().collect() else { return Ok(None) };
    Ok(Some(InsertPlan {
        moment,
        search_path,
        style,
        not_null: given.iter().map(|column| column.not_null).collect(),
        target: ValuesTarget::new(shape.name.clone(), columns, draws)?,
        rows,
        params: types,
        params_once: params.uses.iter().all(|uses| *uses == 1),
        certain,
    }))
}

/// Finds the columns that rows are for.
fn given_columns<'a>(
    shape: &'a TableShape,
    named: &[String],
    width: usize,
) -> Option<Vec<&'a ShapeColumn>> {
    if named.is_empty() {
        return shape.columns.get(..width).map(|columns| columns.iter().collect());
    }
    let twice = (1..named.len()).any(|place| named[..place].contains(&named[place]));
    if named.len() != width || twice {
        return None;
    }
    let find = |name: &String| shape.columns.iter().find(|column| column.name == *name);
    named.iter().map(find).collect()
}

/// Leaves out the columns that have DEFAULT in all rows.
fn leave_defaults_out(given: &mut Vec<&ShapeColumn>, cells: &mut [Vec<Cell>]) {
    for place in (0..given.len()).rev() {
        if cells.iter().all(|row| row[place] == Cell::Default) {
            given.remove(place);
            cells.iter_mut().for_each(|row| drop(row.remove(place)));
        }
    }
}

/// Checks what becomes of the columns that rows leave out, and what they draw from sequences:
/// tells whether that cannot fail, or `None` where it must be computed.
///
/// # Errors
/// 23502 for a column that must have a value and has no default.
fn check_omitted(
    shape: &TableShape,
    given: &[&ShapeColumn],
    style: InputStyle,
    draws: &mut Vec<Draw>,
) -> Result<Option<bool>> {
    let mut certain = true;
    let omitted = |column: &&ShapeColumn| given.iter().all(|known| known.name != column.name);
    for column in shape.columns.iter().filter(omitted) {
        let Some(default) = &column.default else {
            if column.not_null {
                return Err(null_value(&column.name, &shape.name));
            }
            continue;
        };
        match default_value(default) {
            DefaultValue::Computed => return Ok(None),
            DefaultValue::NextValue => {
                certain = false;
                let pg_type = column.column.as_ref().map(|column| column.pg_type);
                draws.extend(draws_of(&ColumnDefault::new(&column.name, default, pg_type)));
            }
            DefaultValue::Literal(cell) => {
                let stored = column.column.as_ref().map(|stored| literal(cell, stored, style));
                let stored = stored.and_then(Result::ok).flatten();
                certain &= stored.is_some_and(|value| value != Value::Null || !column.not_null);
            }
        }
    }
    Ok(Some(certain))
}

/// What is known of the parameters so far.
struct Params {
    types: Vec<Option<PgType>>,
    uses: Vec<usize>,
}

impl Params {
    fn new(known: &[Option<PgType>], count: usize) -> Params {
        let mut types = known.to_vec();
        types.resize(count, None);
        Params { types, uses: vec![0; count] }
    }

    /// Notes a use; `false` when it contradicts what is known.
    fn takes(&mut self, index: usize, wanted: PgType) -> bool {
        let (Some(known), Some(uses)) = (self.types.get_mut(index), self.uses.get_mut(index))
        else {
            return false;
        };
        *uses += 1;
        *known.get_or_insert(wanted) == wanted || *uses == 1
    }
}

fn plan_cell(
    cell: Cell,
    column: &Column,
    params: &mut Params,
    style: InputStyle,
) -> Result<Option<PlanCell>> {
    let Cell::Param(index, cast) = cell else {
        return Ok(literal(cell, column, style)?.map(PlanCell::Ready));
    };
    let wanted = cast.unwrap_or(column.pg_type);
    if !params.takes(index, wanted) {
        return Ok(None);
    }
    // A cast of a parameter of another type is not only an assignment.
    let from = params.types[index].unwrap_or(wanted);
    let fits = cast.is_none_or(|cast| cast == from) && types::is_assignable(column, from);
    Ok(fits.then_some(PlanCell::Param(index)))
}

/// Gives what a column stores of a literal; `None` where that is not exactly known here.
fn literal(cell: Cell, column: &Column, style: InputStyle) -> Result<Option<Value>> {
    match cell {
        Cell::Null => Ok(Some(Value::Null)),
        Cell::Bool(value) if column.pg_type == PgType::BOOL => Ok(Some(Value::Bool(value))),
        Cell::Number(text) => types::assign_number(column, &text, style.time_zone),
        Cell::Text(text, None) => types::assign_text(column, &text, style),
        Cell::Text(text, Some(named)) if types::is_assignable(column, named) => {
            types::assign(column, named, types::from_text(named, &text, style)?, style.time_zone)
        }
        Cell::Text(..) | Cell::Bool(_) | Cell::Default | Cell::Param(..) => Ok(None),
    }
}

/// Types whose values DuckDB takes as they are.
fn is_certain_type(pg_type: PgType) -> bool {
    !pg_type.is_array() && pg_type.scalar() != ScalarType::Json
}

/// Makes the error of a NULL in a column that allows none.
pub fn null_value(column: &str, table: &TableName) -> Error {
    Error::new(
        SqlState::NOT_NULL_VIOLATION,
        format!(
            "null value in column \"{column}\" of relation \"{}\" violates not-null constraint",
            table.table
        ),
    )
    .with_object(ErrorObject {
        schema: Some(table.schema.clone()),
        table: Some(table.table.clone()),
        column: Some(column.to_owned()),
        constraint: None,
    })
}
