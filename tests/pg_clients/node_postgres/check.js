// node-postgres: parameters, types, named statements, errors, a pool, a cursor.
// Connects by PGHOST, PGPORT, PGUSER, PGDATABASE; exits non-zero when a check fails.
'use strict'

const assert = require('node:assert/strict')
const { Client, Pool } = require('pg')
const Cursor = require('pg-cursor')

const table = `tea_node_${process.pid}`

async function fails(run, code) {
  const error = await run().then(() => null, (error) => error)
  assert.ok(error, `no error, want ${code}`)
  assert.equal(error.code, code, error.message)
  return error
}

async function value(client, text, values) {
  const { rows } = await client.query({ text, values, rowMode: 'array' })
  return rows[0][0]
}

async function checkParameters(client) {
  assert.equal(await value(client, 'SELECT $1::int + 1', [41]), 42)
  assert.equal(await value(client, 'SELECT $1::text', ['tea 🍵 it\'s']), 'tea 🍵 it\'s')
  assert.equal(await value(client, 'SELECT $1', ['untyped']), 'untyped')
  assert.equal(await value(client, 'SELECT $1::bool', [true]), true)
  assert.equal(await value(client, 'SELECT $1::int', [null]), null)
  assert.equal(await value(client, 'SELECT $1::int8', ['9007199254740993']), '9007199254740993')
  assert.equal(await value(client, 'SELECT $1::float8', [0.1]), 0.1)
  assert.deepEqual(await value(client, 'SELECT $1::int[]', [[1, 2, null]]), [1, 2, null])
  assert.deepEqual(await value(client, 'SELECT $1::json', [{ a: [1, null] }]), { a: [1, null] })
  assert.deepEqual(await value(client, 'SELECT $1::bytea', [Buffer.from([0, 255])]),
    Buffer.from([0, 255]))
  const at = new Date('2024-02-29T12:34:56.789Z')
  assert.deepEqual(await value(client, 'SELECT $1::timestamptz', [at]), at)
}

async function checkTable(client) {
  const created = await client.query(`CREATE TABLE ${table} (id int PRIMARY KEY, name text NOT NULL)`)
  assert.equal(created.command, 'CREATE')
  for (let id = 1; id <= 20; id++) {
    const inserted = await client.query({
      name: 'insert', text: `INSERT INTO ${table} VALUES ($1, $2)`, values: [id, `name ${id}`],
    })
    assert.deepEqual([inserted.command, inserted.rowCount], ['INSERT', 1])
  }
  const { rows, fields } = await client.query(
    `SELECT id, name FROM ${table} WHERE id <= $1 ORDER BY id`, [2])
  assert.deepEqual(rows, [{ id: 1, name: 'name 1' }, { id: 2, name: 'name 2' }])
  assert.deepEqual(fields.map((field) => [field.name, field.dataTypeID]), [['id', 23], ['name', 25]])
  const updated = await client.query(`UPDATE ${table} SET name = $1 WHERE id > $2`, ['x', 15])
  assert.deepEqual([updated.command, updated.rowCount], ['UPDATE', 5])
  const several = await client.query('SELECT 1 AS a; SELECT 2 AS b')
  assert.deepEqual(several.map((result) => result.rows[0]), [{ a: 1 }, { b: 2 }])
}

async function checkErrors(client) {
  const missing = await fails(() => client.query('SELECT * FROM no_such_table'), '42P01')
  assert.deepEqual([missing.severity, missing.position], ['ERROR', '15'])
  await fails(() => client.query('SELECT * FROM no_such_table WHERE a = $1', [1]), '42P01')
  await fails(() => client.query('SELEKT 1'), '42601')
  await fails(() => client.query('SELECT $1::int', ['tea']), '22P02')
  await fails(() => client.query(`INSERT INTO ${table} VALUES ($1, $2)`, [1, 'again']), '23505')
  await fails(() => client.query(`INSERT INTO ${table} VALUES ($1, $2)`, [99, null]), '23502')
  await fails(() => client.query('SELECT $1::int, $2::int', [1]), '08P01')
  const other = new Client({ database: 'no_such_database' })
  other.on('error', () => {})
  await fails(() => other.connect(), '3D000')
  assert.equal(await value(client, 'SELECT 1'), 1)
}

async function checkPool() {
  const pool = new Pool({ max: 5 })
  const ids = Array.from({ length: 40 }, (_, n) => n + 1000)
  await Promise.all(ids.map((id) => pool.query(`INSERT INTO ${table} VALUES ($1, $2)`, [id, 'pool'])))
  const { rows } = await pool.query(`SELECT count(*)::int AS n FROM ${table} WHERE id >= 1000`)
  assert.equal(rows[0].n, 40)
  const client = await pool.connect()
  await client.query('BEGIN')
  await fails(() => client.query('SELECT none'), '42703')
  await fails(() => client.query('SELECT 1'), '25P02')
  await client.query('ROLLBACK')
  client.release()
  await pool.end()
}

async function checkCursor(client) {
  const cursor = client.query(
    new Cursor('SELECT g::int AS g FROM generate_series(1, $1::int) AS s(g) ORDER BY 1', [2500]))
  const seen = []
  for (;;) {
    const rows = await cursor.read(1000)
    if (rows.length === 0) break
    seen.push(rows.length)
    assert.equal(rows[0].g, (seen.length - 1) * 1000 + 1)
  }
  assert.deepEqual(seen, [1000, 1000, 500])
  await cursor.close()
  const abandoned = client.query(new Cursor('SELECT g FROM generate_series(1, 100000) AS s(g)'))
  assert.equal((await abandoned.read(10)).length, 10)
  await abandoned.close()
  assert.equal(await value(client, 'SELECT 2'), 2)
}

async function main() {
  const client = new Client()
  await client.connect()
  await checkParameters(client)
  await checkTable(client)
  await checkErrors(client)
  await checkPool()
  await checkCursor(client)
  await client.query(`DROP TABLE ${table}`)
  await client.end()
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
