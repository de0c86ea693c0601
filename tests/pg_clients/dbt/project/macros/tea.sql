-- What `dbt run-operation` runs.
{% macro count_pickings() %}
  {% set found = run_query("select count(*) as n from " ~ source('raw', 'pickings')) %}
  {{ log("pickings: " ~ found.columns[0].values()[0], info=true) }}
{% endmacro %}
