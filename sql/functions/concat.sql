-- concat and concat_ws take values of any type, as their types print them, and leave NULLs out. A macro has a fixed
-- number of arguments, so each number has one of its own.

CREATE MACRO teatree_system.pg.text_concat(arg_1) AS
    system.main.concat(teatree_system.support.out_text(arg_1)),
  (arg_1, arg_2) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2)),
  (arg_1, arg_2, arg_3) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3)),
  (arg_1, arg_2, arg_3, arg_4) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4)),
  (arg_1, arg_2, arg_3, arg_4, arg_5) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14), teatree_system.support.out_text(arg_15)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14), teatree_system.support.out_text(arg_15),
      teatree_system.support.out_text(arg_16)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14), teatree_system.support.out_text(arg_15),
      teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14), teatree_system.support.out_text(arg_15),
      teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17), teatree_system.support.out_text(arg_18)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14), teatree_system.support.out_text(arg_15),
      teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17), teatree_system.support.out_text(arg_18), teatree_system.support.out_text(arg_19)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19, arg_20) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14), teatree_system.support.out_text(arg_15),
      teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17), teatree_system.support.out_text(arg_18), teatree_system.support.out_text(arg_19), teatree_system.support.out_text(arg_20)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19, arg_20, arg_21) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14), teatree_system.support.out_text(arg_15),
      teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17), teatree_system.support.out_text(arg_18), teatree_system.support.out_text(arg_19), teatree_system.support.out_text(arg_20),
      teatree_system.support.out_text(arg_21)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19, arg_20, arg_21, arg_22) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14), teatree_system.support.out_text(arg_15),
      teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17), teatree_system.support.out_text(arg_18), teatree_system.support.out_text(arg_19), teatree_system.support.out_text(arg_20),
      teatree_system.support.out_text(arg_21), teatree_system.support.out_text(arg_22)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19, arg_20, arg_21, arg_22, arg_23) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14), teatree_system.support.out_text(arg_15),
      teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17), teatree_system.support.out_text(arg_18), teatree_system.support.out_text(arg_19), teatree_system.support.out_text(arg_20),
      teatree_system.support.out_text(arg_21), teatree_system.support.out_text(arg_22), teatree_system.support.out_text(arg_23)),
  (arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19, arg_20, arg_21, arg_22, arg_23, arg_24) AS
    system.main.concat(teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4), teatree_system.support.out_text(arg_5),
      teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9), teatree_system.support.out_text(arg_10),
      teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14), teatree_system.support.out_text(arg_15),
      teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17), teatree_system.support.out_text(arg_18), teatree_system.support.out_text(arg_19), teatree_system.support.out_text(arg_20),
      teatree_system.support.out_text(arg_21), teatree_system.support.out_text(arg_22), teatree_system.support.out_text(arg_23), teatree_system.support.out_text(arg_24));
CREATE MACRO teatree_system.pg.text_concat_ws(arg_separator, arg_1) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1)),
  (arg_separator, arg_1, arg_2) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2)),
  (arg_separator, arg_1, arg_2, arg_3) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10), teatree_system.support.out_text(arg_11)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10), teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10), teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10), teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10), teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14),
      teatree_system.support.out_text(arg_15)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10), teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14),
      teatree_system.support.out_text(arg_15), teatree_system.support.out_text(arg_16)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10), teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14),
      teatree_system.support.out_text(arg_15), teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10), teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14),
      teatree_system.support.out_text(arg_15), teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17), teatree_system.support.out_text(arg_18)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10), teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14),
      teatree_system.support.out_text(arg_15), teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17), teatree_system.support.out_text(arg_18), teatree_system.support.out_text(arg_19)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19, arg_20) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10), teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14),
      teatree_system.support.out_text(arg_15), teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17), teatree_system.support.out_text(arg_18), teatree_system.support.out_text(arg_19),
      teatree_system.support.out_text(arg_20)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19, arg_20, arg_21) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10), teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14),
      teatree_system.support.out_text(arg_15), teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17), teatree_system.support.out_text(arg_18), teatree_system.support.out_text(arg_19),
      teatree_system.support.out_text(arg_20), teatree_system.support.out_text(arg_21)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19, arg_20, arg_21, arg_22) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10), teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14),
      teatree_system.support.out_text(arg_15), teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17), teatree_system.support.out_text(arg_18), teatree_system.support.out_text(arg_19),
      teatree_system.support.out_text(arg_20), teatree_system.support.out_text(arg_21), teatree_system.support.out_text(arg_22)),
  (arg_separator, arg_1, arg_2, arg_3, arg_4, arg_5, arg_6, arg_7, arg_8, arg_9, arg_10, arg_11, arg_12, arg_13, arg_14, arg_15, arg_16, arg_17, arg_18, arg_19, arg_20, arg_21, arg_22, arg_23) AS
    system.main.concat_ws(arg_separator, teatree_system.support.out_text(arg_1), teatree_system.support.out_text(arg_2), teatree_system.support.out_text(arg_3), teatree_system.support.out_text(arg_4),
      teatree_system.support.out_text(arg_5), teatree_system.support.out_text(arg_6), teatree_system.support.out_text(arg_7), teatree_system.support.out_text(arg_8), teatree_system.support.out_text(arg_9),
      teatree_system.support.out_text(arg_10), teatree_system.support.out_text(arg_11), teatree_system.support.out_text(arg_12), teatree_system.support.out_text(arg_13), teatree_system.support.out_text(arg_14),
      teatree_system.support.out_text(arg_15), teatree_system.support.out_text(arg_16), teatree_system.support.out_text(arg_17), teatree_system.support.out_text(arg_18), teatree_system.support.out_text(arg_19),
      teatree_system.support.out_text(arg_20), teatree_system.support.out_text(arg_21), teatree_system.support.out_text(arg_22), teatree_system.support.out_text(arg_23));
