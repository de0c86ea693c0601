//! Datasets as a whole: changes, replay, crashes, pins, compaction, files of others.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
    Int16Array, Int32Array, Int64Array, RecordBatch, StringArray, Time64MicrosecondArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use arrow::ipc::reader::FileReader;

use super::compact::SMALL_PARTS_KEPT;
use super::*;
use crate::error::{Error, Result};
use crate::ids::{IntentSeq, TableName};
use crate::sqlstate::SqlState;
use crate::types::{Column, PgType, ScalarType, numeric_typmod, storage_field};

fn seq(number: u64) -> IntentSeq {
    IntentSeq(number)
}

fn t() -> TableName {
    TableName::new("public", "t")
}

fn columns() -> Vec<DatasetColumn> {
    vec![
        DatasetColumn { column: Column::new("id", PgType::INT8), not_null: true },
        DatasetColumn::nullable(Column::new("name", PgType::TEXT)),
    ]
}

fn rows(ids: &[i64]) -> RecordBatch {
    let names: Vec<String> = ids.iter().map(|id| format!("n{id}")).collect();
    let columns: Vec<ArrayRef> =
        vec![Arc::new(Int64Array::from(ids.to_vec())), Arc::new(StringArray::from(names))];
    let fields = [("id", DataType::Int64), ("name", DataType::Utf8)];
    let fields: Vec<_> = fields.map(|(name, t)| Field::new(name, t, true)).into();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn append(store: &DatasetStore, number: u64, ids: &[i64]) -> Result<u64> {
    store.append(seq(number), &t(), &mut std::iter::once(Ok(rows(ids))))
}

fn read_parts(pin: &PinnedDataset) -> Vec<RecordBatch> {
    let read = |path: &PathBuf| {
        let reader = FileReader::try_new(fs::File::open(path).unwrap(), None).unwrap();
        reader.map(Result::unwrap).collect::<Vec<_>>()
    };
    pin.part_paths().iter().flat_map(read).collect()
}

fn ids(store: &DatasetStore) -> Vec<i64> {
    let batches = read_parts(&store.pin(&t()).unwrap());
    let column =
        |batch: &RecordBatch| batch.column(0).as_primitive::<Int64Type>().values().to_vec();
    batches.iter().flat_map(column).collect()
}

fn only_directory(root: &Path) -> PathBuf {
    let mut found = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    found.find(|path| path.is_dir()).unwrap()
}

fn files(dir: &Path) -> Vec<String> {
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| name(e).into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn rows_are_appended_replaced_and_kept_over_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let store = DatasetStore::open(root.path()).unwrap();
    assert!(store.create(seq(1), &t(), columns(), false).unwrap());
    assert_eq!(append(&store, 2, &[3, 1]).unwrap(), 2);
    assert_eq!(append(&store, 3, &[2]).unwrap(), 1);
    assert_eq!(ids(&store), [3, 1, 2]);
    let store = DatasetStore::open(root.path()).unwrap();
    assert_eq!(ids(&store), [3, 1, 2]);
    let manifest = &store.list()[0];
    assert_eq!((manifest.rows(), manifest.applied_seq), (3, seq(3)));
    assert_eq!(manifest.parts[0].stats[0].max, Some(Bound::Int(3)));
    assert_eq!(manifest.parts[0].stats[1].min, Some(Bound::Text("n1".into())));
    let all = &mut std::iter::once(Ok(rows(&[7])));
    assert_eq!(store.replace(seq(4), &t(), all, 2).unwrap(), 2);
    // What it has reported is known after a restart, too.
    let store = DatasetStore::open(root.path()).unwrap();
    assert_eq!(store.rows_of(seq(4), &t()), 2);
    assert_eq!(ids(&store), [7]);
    assert_eq!(store.replace(seq(5), &t(), &mut std::iter::empty(), 0).unwrap(), 0);
    assert_eq!(store.pin(&t()).unwrap().rows(), 0);
}

#[test]
fn an_intent_is_applied_once() {
    let root = tempfile::tempdir().unwrap();
    let store = DatasetStore::open(root.path()).unwrap();
    store.create(seq(1), &t(), columns(), false).unwrap();
    append(&store, 2, &[1, 2]).unwrap();
    let store = DatasetStore::open(root.path()).unwrap();
    assert!(store.was_applied(seq(2), &t()) && !store.was_applied(seq(3), &t()));
    // Replays answer as before, and change nothing.
    assert!(store.create(seq(1), &t(), columns(), false).unwrap());
    assert_eq!(append(&store, 2, &[1, 2]).unwrap(), 2);
    assert_eq!(ids(&store), [1, 2]);
    let to = TableName::new("public", "u");
    store.rename(seq(3), &t(), &to).unwrap();
    store.rename(seq(3), &t(), &to).unwrap();
    store.create(seq(4), &t(), columns(), false).unwrap();
    assert!(store.drop_dataset(seq(5), &t(), false).unwrap());
    let store = DatasetStore::open(root.path()).unwrap();
    assert!(store.drop_dataset(seq(5), &t(), false).unwrap());
    assert!(store.was_applied(seq(3), &to) && store.was_applied(seq(4), &t()));
    store.sweep().unwrap();
    let store = DatasetStore::open(root.path()).unwrap();
    assert!(store.was_applied(seq(5), &t()) && !store.was_applied(seq(6), &t()));
    assert_eq!(store.list().len(), 1);
    // A new dataset of the name starts after its predecessor's drop.
    assert!(store.create(seq(6), &t(), columns(), false).unwrap());
}

#[test]
fn errors_are_postgresqls_and_change_nothing() {
    let root = tempfile::tempdir().unwrap();
    let store = DatasetStore::open(root.path()).unwrap();
    let code = |result: Result<u64>| result.unwrap_err().code();
    assert_eq!(code(append(&store, 1, &[1])), SqlState::UNDEFINED_TABLE);
    store.create(seq(1), &t(), columns(), false).unwrap();
    append(&store, 2, &[1]).unwrap();
    let again = store.create(seq(3), &t(), columns(), false).unwrap_err();
    assert_eq!(
        (again.code(), again.message()),
        (SqlState::DUPLICATE_TABLE, "relation \"t\" already exists")
    );
    assert!(!store.create(seq(3), &t(), columns(), true).unwrap());
    assert!(!store.drop_dataset(seq(3), &TableName::new("public", "u"), true).unwrap());
    let interval = vec![DatasetColumn::nullable(Column::new("span", PgType::INTERVAL))];
    let refused = store.create(seq(3), &TableName::new("s", "u"), interval, false).unwrap_err();
    assert_eq!(refused.code(), SqlState::FEATURE_NOT_SUPPORTED);
    assert!(refused.message().contains("\"span\" has type interval"), "{refused}");

    let ids_with_null: ArrayRef = Arc::new(Int64Array::from(vec![Some(5), None]));
    let names: ArrayRef = Arc::new(StringArray::from(vec!["a", "b"]));
    let batch = RecordBatch::try_new(rows(&[]).schema(), vec![ids_with_null, names]).unwrap();
    let mut batches = vec![Ok(rows(&[4])), Ok(batch)].into_iter();
    let error = store.append(seq(3), &t(), &mut batches).unwrap_err();
    assert_eq!(error.code(), SqlState::NOT_NULL_VIOLATION);
    assert_eq!(
        error.message(),
        "null value in column \"id\" of relation \"t\" violates not-null constraint"
    );
    let mut batches = vec![Ok(rows(&[4])), Err(Error::canceled("user request"))].into_iter();
    assert_eq!(code(store.append(seq(3), &t(), &mut batches)), SqlState::QUERY_CANCELED);
    let mut batches = vec![Ok(rows(&[4])), Err(Error::canceled("user request"))].into_iter();
    let made = store.create_with(seq(3), &TableName::new("s", "x"), columns(), &mut batches);
    assert_eq!(code(made), SqlState::QUERY_CANCELED);
    assert_eq!(ids(&store), [1]);
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    assert_eq!(files(&only_directory(root.path())), ["MANIFEST.json", "part-00000001.arrow"]);
    assert_eq!(append(&store, 3, &[2]).unwrap(), 1);
}

#[test]
fn what_a_crash_left_is_removed() {
    let root = tempfile::tempdir().unwrap();
    let store = DatasetStore::open(root.path()).unwrap();
    store.create(seq(1), &t(), columns(), false).unwrap();
    append(&store, 2, &[1]).unwrap();
    drop(store);
    let dir = only_directory(root.path());
    fs::copy(dir.join("part-00000001.arrow"), dir.join("part-00000002.arrow")).unwrap();
    fs::write(dir.join("MANIFEST.json.tmp"), "{").unwrap();
    fs::create_dir(root.path().join("public.half.9")).unwrap();
    fs::write(root.path().join("public.half.9/part-00000001.arrow"), "x").unwrap();
    let store = DatasetStore::open(root.path()).unwrap();
    assert_eq!(files(&dir), ["MANIFEST.json", "part-00000001.arrow"]);
    assert_eq!(store.list().len(), 1);
    // The number of the removed file is free again.
    append(&store, 3, &[2]).unwrap();
    assert_eq!(ids(&store), [1, 2]);
    drop(store);
    fs::write(dir.join("part-00000002.arrow"), "cut").unwrap();
    assert_eq!(DatasetStore::open(root.path()).unwrap_err().code(), SqlState::DATA_CORRUPTED);
}

#[test]
fn a_pin_keeps_its_files() {
    let root = tempfile::tempdir().unwrap();
    let store = DatasetStore::open(root.path()).unwrap();
    store.create(seq(1), &t(), columns(), false).unwrap();
    append(&store, 2, &[1, 2]).unwrap();
    let old = store.pin(&t()).unwrap();
    store.replace(seq(3), &t(), &mut std::iter::once(Ok(rows(&[9]))), 1).unwrap();
    let new = store.pin(&t()).unwrap();
    store.drop_dataset(seq(4), &t(), false).unwrap();
    store.sweep().unwrap();
    assert!(store.pin(&t()).is_none());
    assert_eq!(read_parts(&old)[0].num_rows(), 2);
    assert_eq!(read_parts(&new)[0].num_rows(), 1);
    let dir = only_directory(root.path());
    drop(old);
    assert_eq!(files(&dir), ["DROPPED-4.json", "part-00000002.arrow"]);
    drop(new);
    assert_eq!(files(&dir), ["DROPPED-4.json"]);
    store.sweep().unwrap();
    assert!(!dir.exists());
}

#[test]
fn small_parts_are_merged_in_order() {
    let root = tempfile::tempdir().unwrap();
    let store = DatasetStore::open(root.path()).unwrap();
    store.create(seq(1), &t(), columns(), false).unwrap();
    let many = i64::try_from(SMALL_PARTS_KEPT).unwrap() + 1;
    for id in 0..many {
        assert!(!store.compact(&t()).unwrap());
        append(&store, 2 + u64::try_from(id).unwrap(), &[100 - id]).unwrap();
    }
    let before = store.pin(&t()).unwrap();
    assert!(store.compact(&t()).unwrap());
    let after = store.pin(&t()).unwrap();
    assert_eq!((after.parts.len(), after.rows()), (1, before.rows()));
    assert_eq!(after.applied_seq, before.applied_seq);
    assert_eq!(after.parts[0].stats[0].min, Some(Bound::Int(100 - many + 1)));
    let expected: Vec<i64> = (0..many).map(|id| 100 - id).collect();
    assert_eq!(ids(&store), expected);
    assert_eq!(read_parts(&before).len(), before.parts.len());
    drop(before);
    assert_eq!(files(&only_directory(root.path())).len(), 2);
    drop((after, store));
    assert_eq!(ids(&DatasetStore::open(root.path()).unwrap()), expected);
}

#[test]
fn large_appends_become_several_parts() {
    let root = tempfile::tempdir().unwrap();
    let store = DatasetStore::open(root.path()).unwrap();
    store.create(seq(1), &t(), columns(), false).unwrap();
    let many: Vec<i64> = (0..300_000).collect();
    let mut batches = (0..4).map(|_| Ok(rows(&many)));
    assert_eq!(store.append(seq(2), &t(), &mut batches).unwrap(), 1_200_000);
    let pin = store.pin(&t()).unwrap();
    assert_eq!(pin.parts.len(), 2);
    let batches = read_parts(&pin);
    assert!(batches.iter().all(|batch| batch.num_rows() <= super::part::CHUNK_ROWS));
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1_200_000);
    let all = ids(&store);
    assert_eq!((all[299_999], all[300_000], all[1_199_999]), (299_999, 0, 299_999));
}

/// One array of two values and a NULL for each type, in its storage type.
fn sample(pg_type: PgType) -> (Column, ArrayRef) {
    let mut column = Column::new("v", pg_type);
    if pg_type.scalar() == ScalarType::Numeric {
        column.typmod = numeric_typmod(20, 3);
    }
    let element: ArrayRef = match pg_type.scalar() {
        ScalarType::Bool => Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])),
        ScalarType::Int2 => Arc::new(Int16Array::from(vec![Some(i16::MIN), None, Some(7)])),
        ScalarType::Int4 => Arc::new(Int32Array::from(vec![Some(i32::MIN), None, Some(7)])),
        ScalarType::Int8 => Arc::new(Int64Array::from(vec![Some(i64::MIN), None, Some(7)])),
        ScalarType::Float4 => Arc::new(Float32Array::from(vec![Some(0.1), None, Some(f32::NAN)])),
        ScalarType::Float8 => Arc::new(Float64Array::from(vec![Some(0.1), None, Some(-0.0)])),
        ScalarType::Numeric => {
            let values = Decimal128Array::from(vec![Some(-1), None, Some(10_i128.pow(19))]);
            Arc::new(values.with_precision_and_scale(20, 3).unwrap())
        }
        ScalarType::Date => Arc::new(Date32Array::from(vec![Some(-1), None, Some(20_000)])),
        ScalarType::Time => Arc::new(Time64MicrosecondArray::from(vec![Some(1), None, Some(0)])),
        ScalarType::Timestamp => {
            Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), None, Some(1 << 50)]))
        }
        ScalarType::Timestamptz => {
            let values = TimestampMicrosecondArray::from(vec![Some(-1), None, Some(1 << 50)]);
            Arc::new(values.with_timezone("UTC"))
        }
        _ => Arc::new(StringArray::from(vec![Some("ä€😀"), None, Some("")])),
    };
    let storage = storage_field(&column, true).unwrap();
    let array = if pg_type.is_array() {
        let mut builder = arrow::array::make_builder(storage.data_type(), 3);
        drop(builder.finish());
        let offsets = arrow::buffer::OffsetBuffer::from_lengths([2, 0, 1]);
        let DataType::List(item) = storage.data_type() else { panic!("an array is a list") };
        let element = cast(&element, item.data_type()).unwrap();
        let valid = arrow::buffer::NullBuffer::from(vec![true, false, true]);
        let list = arrow::array::ListArray::new(Arc::clone(item), offsets, element, Some(valid));
        Arc::new(list)
    } else {
        cast(&element, storage.data_type()).unwrap()
    };
    (column, array)
}

#[test]
fn every_type_that_is_taken_comes_back() {
    let root = tempfile::tempdir().unwrap();
    let store = DatasetStore::open(root.path()).unwrap();
    let mut taken = Vec::new();
    let scalars = ScalarType::ALL.iter().map(|s| PgType::Scalar(*s));
    let arrays = ScalarType::ALL.iter().filter(|s| s.array_oid() != 0).map(|s| PgType::Array(*s));
    for (at, pg_type) in scalars.chain(arrays).enumerate() {
        let name = TableName::new("public", format!("t{at}"));
        let number = u64::try_from(at).unwrap() + 1;
        let probe = vec![DatasetColumn::nullable(Column::new("v", pg_type))];
        if read_schema(&probe).is_err() {
            assert!(store.create(seq(number), &name, probe, false).is_err());
            continue;
        }
        let (column, array) = sample(pg_type);
        let field = storage_field(&column, true).unwrap();
        let schema = Arc::new(Schema::new(vec![field]));
        let batch = RecordBatch::try_new(schema, vec![Arc::clone(&array)]).unwrap();
        let columns = vec![DatasetColumn::nullable(column)];
        let expected = read_schema(&columns).unwrap();
        let mut batches = std::iter::once(Ok(batch));
        store.create_with(seq(number), &name, columns, &mut batches).unwrap();
        let read = read_parts(&store.pin(&name).unwrap());
        let back = read[0].column(0);
        assert_eq!(back.data_type(), expected.field(0).data_type(), "{pg_type:?}");
        assert_eq!(&cast(back, array.data_type()).unwrap(), &array, "{pg_type:?}");
        taken.push(pg_type);
    }
    for pg_type in [
        PgType::BOOL,
        PgType::INT2,
        PgType::INT4,
        PgType::INT8,
        PgType::FLOAT4,
        PgType::FLOAT8,
        PgType::NUMERIC,
        PgType::TEXT,
        PgType::VARCHAR,
        PgType::BPCHAR,
        PgType::BYTEA,
        PgType::DATE,
        PgType::TIME,
        PgType::TIMESTAMP,
        PgType::TIMESTAMPTZ,
        PgType::UUID,
        PgType::JSON,
        PgType::JSONB,
        PgType::Array(ScalarType::Int4),
        PgType::Array(ScalarType::Text),
    ] {
        assert!(taken.contains(&pg_type), "{pg_type:?} cannot be held");
    }
    assert!(!taken.contains(&PgType::INTERVAL));
}

fn collect(rows: FileRows) -> Result<Vec<RecordBatch>> {
    rows.batches.collect()
}

fn named(rows: &FileRows) -> Vec<(&str, PgType)> {
    rows.columns.iter().map(|column| (column.name.as_str(), column.pg_type)).collect()
}

#[test]
fn csv_and_json_lines_are_read() {
    let dir = tempfile::tempdir().unwrap();
    let csv = dir.path().join("a.csv");
    fs::write(&csv, "id,amount,day,note\n1,1.5,2024-02-29,\"a\nb\"\n2,,2024-03-01,\n").unwrap();
    assert_eq!(FileFormat::of(&csv), Some(FileFormat::Csv));
    let rows = read_file(&csv, FileFormat::Csv).unwrap();
    let expected = [
        ("id", PgType::INT8),
        ("amount", PgType::FLOAT8),
        ("day", PgType::DATE),
        ("note", PgType::TEXT),
    ];
    assert_eq!(named(&rows), expected);
    let batches = collect(rows).unwrap();
    assert_eq!(batches[0].num_rows(), 2);
    assert_eq!(batches[0].column(3).as_string::<i32>().value(0), "a\nb");

    let json = dir.path().join("a.jsonl");
    fs::write(&json, "{\"id\":1,\"name\":\"x\"}\n{\"id\":null,\"name\":\"y\"}\n").unwrap();
    let rows = read_file(&json, FileFormat::JsonLines).unwrap();
    assert_eq!(named(&rows), [("id", PgType::INT8), ("name", PgType::TEXT)]);
    assert_eq!(collect(rows).unwrap()[0].num_rows(), 2);

    fs::write(&csv, "").unwrap();
    let code = |result: Result<FileRows>| result.err().map(|error| error.code());
    assert_eq!(code(read_file(&csv, FileFormat::Csv)), Some(SqlState::BAD_COPY_FILE_FORMAT));
    let missing = dir.path().join("no.csv");
    assert_eq!(code(read_file(&missing, FileFormat::Csv)), Some(SqlState::UNDEFINED_FILE));
    assert_eq!(code(read_file(&json, FileFormat::Parquet)), Some(SqlState::BAD_COPY_FILE_FORMAT));
    assert_eq!(code(read_file(&json, FileFormat::Arrow)), Some(SqlState::BAD_COPY_FILE_FORMAT));
}

#[test]
fn a_file_of_several_pieces_is_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    let csv = dir.path().join("a.csv");
    let line = |n: u64| format!("{n},\"{}\"\n", "x".repeat(100));
    let lines: String = (0..2_000).map(line).collect();
    fs::write(&csv, format!("id,note\n{lines}")).unwrap();
    let batches = collect(read_file(&csv, FileFormat::Csv).unwrap()).unwrap();
    assert!(batches.len() > 2);
    let sum: i64 = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
        .sum();
    assert_eq!(sum, 1_999 * 1_000);
    // A value of another type far behind the first piece is an error, not a guess.
    fs::write(&csv, format!("id,note\n{lines}oops,y\n")).unwrap();
    let error = collect(read_file(&csv, FileFormat::Csv).unwrap()).unwrap_err();
    assert_eq!(error.code(), SqlState::BAD_COPY_FILE_FORMAT);
}

#[test]
fn parquet_and_arrow_are_read() {
    use polars::prelude::{DataFrame, IntoColumn, NamedFrom, ParquetWriter, Series};
    let dir = tempfile::tempdir().unwrap();
    let parquet = dir.path().join("a.parquet");
    let id = Series::new("id".into(), (0..1000_i32).collect::<Vec<_>>()).into_column();
    let name = Series::new("name".into(), vec!["x"; 1000]).into_column();
    let mut frame = DataFrame::new(1000, vec![id, name]).unwrap();
    ParquetWriter::new(fs::File::create(&parquet).unwrap())
        .with_row_group_size(Some(300))
        .finish(&mut frame)
        .unwrap();
    let rows = read_file(&parquet, FileFormat::Parquet).unwrap();
    assert_eq!(named(&rows), [("id", PgType::INT4), ("name", PgType::TEXT)]);
    let batches = collect(rows).unwrap();
    assert!(batches.len() > 1);
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1000);

    let root = tempfile::tempdir().unwrap();
    let store = DatasetStore::open(root.path()).unwrap();
    store.create(seq(1), &t(), columns(), false).unwrap();
    append(&store, 2, &[1, 2, 3]).unwrap();
    let part = store.pin(&t()).unwrap().part_paths()[0].clone();
    let rows = read_file(&part, FileFormat::Arrow).unwrap();
    assert_eq!(named(&rows), [("id", PgType::INT8), ("name", PgType::TEXT)]);
    assert_eq!(collect(rows).unwrap()[0].num_rows(), 3);
}
