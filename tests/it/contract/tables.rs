//! Tables in and out: CSV and XLSX as people have them, formulas disarmed.

use calamine::{Reader as _, Xlsx, open_workbook};
use serde_json::{Value, json};

use super::post;
use crate::rig::Rig;

#[test]
fn a_russian_table_with_semicolons_is_read() {
    let rig = Rig::new();
    let table = "\u{FEFF}Номер;Текст;Дата;Автор;Источник;Место;Лайки;Лишнее\r\n\
        1;\"В Кедрово\nнет отопления\";20.11.2026 09:30;А;посёлок;;5;x\r\n\
        2;Батареи ледяные;2026-11-20 09:31;Б;посёлок;Соснягино;;\r\n\
        ;нет номера;;;;;;\r\n\
        4;плохое время;вчера;;;;;\r\n\
        5;плохое число;;;;;много;\r\n";
    let path = rig.write("table.csv", table);
    let ended = rig.run(&["import", &path.to_string_lossy(), "--json"]);
    let tally = &ended.rows(3)[0];
    assert_eq!((&tally["new"], &tally["rejected"]), (&json!(2), &json!(3)), "{ended:?}");
    let numbers: Vec<&str> = ended
        .err
        .lines()
        .filter_map(|line| line.strip_prefix("строка ")?.split(':').next())
        .collect();
    assert_eq!(numbers, ["5", "6", "7"], "lines of the file, as an editor counts them: {ended:?}");
    let rows = rig.export("posts");
    assert_eq!(rows[0]["text"], "В Кедрово\nнет отопления");
    assert_eq!(
        (&rows[0]["published"], &rows[0]["likes"]),
        (&json!("2026-11-20T01:30:00Z"), &json!(5))
    );
    assert_eq!(rows[1]["place"], "sosnyagino");
    assert_eq!(rig.export("problems").len(), 2);
}

#[test]
fn a_workbook_is_read_with_its_numbers_and_dates() {
    let rig = Rig::new();
    let path = rig.path("table.xlsx");
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (column, name) in (0..).zip(["id", "text", "published", "views", "official"]) {
        sheet.write_string(0, column, name).expect("written");
    }
    let date =
        rust_xlsxwriter::ExcelDateTime::parse_from_str("2026-11-20T09:30:00").expect("a date");
    let format = rust_xlsxwriter::Format::new().set_num_format("dd.mm.yyyy hh:mm");
    sheet.write_number(1, 0, 1_001).expect("written");
    sheet.write_string(1, 1, "В Кедрово нет отопления").expect("written");
    sheet.write_datetime_with_format(1, 2, &date, &format).expect("written");
    sheet.write_number(1, 3, 15).expect("written");
    sheet.write_string(1, 4, "нет").expect("written");
    sheet.write_string(2, 1, "строка без номера").expect("written");
    book.save(&path).expect("saved");
    let ended = rig.run(&["import", &path.to_string_lossy()]);
    assert!(ended.code == 3 && ended.err.starts_with("строка 3: "), "{ended:?}");
    let rows = rig.export("posts");
    assert_eq!((&rows[0]["id"], &rows[0]["views"]), (&json!("1001"), &json!(15)));
    assert_eq!(rows[0]["published"], "2026-11-20T01:30:00Z");
}

#[test]
fn files_that_are_no_tables_are_named() {
    let rig = Rig::new();
    for (name, text, code, told) in [
        ("a.csv", "x;y\n1;2\n", 1, "нет столбца «id»"),
        ("a.xlsx", "не книга", 1, "не читается"),
        ("a.txt", "текст", 2, "неизвестный вид файла"),
    ] {
        let path = rig.write(name, text);
        let ended = rig.run(&["import", &path.to_string_lossy()]);
        assert!(ended.code == code && ended.err.contains(told), "{name}: {ended:?}");
    }
    let absent = rig.run(&["import", "/нет/такого.jsonl"]);
    assert_eq!(absent.code, 1, "{absent:?}");
}

const EXPORT: &str = "Выгрузка сообщений;;;;;;\r\n\
    ;;;;;;\r\n\
    Регистрационный номер;Дата подачи;ФИО заявителя;Телефон;Описание проблемы;Адрес проблемы;Статус\r\n\
    П-1;20 ноября 2026 г., 9:30;Иванов И.;89021234567;Нет отопления;с. Кедрово, ул. Мира, 5;Новое\r\n\
    П-2;20.11.2026 10:00;Петров П.;;\"Нет отопления; холодно\";Соснягино;Новое\r\n\
    П-3;20.11.2026 05:30 (МСК);Иванов И.;;Батареи ледяные;Соснягино;Новое\r\n\
    П-4;на днях;;;Нет отопления;;\r\n";

#[test]
fn an_unknown_table_is_proposed_kept_and_read_again_by_name() {
    let rig = Rig::new();
    let path = rig.write("сообщения.csv", EXPORT);
    let path = path.to_string_lossy();
    let bare = rig.run(&["import", &path]);
    assert!(bare.code == 1 && bare.err.contains("--map auto"), "{bare:?}");
    let looked = rig.run(&["import", &path, "--map", "auto", "--save", "pos", "--dry-run"]);
    assert!(looked.code == 3 && !rig.path("config/maps/pos.toml").exists(), "{looked:?}");
    assert!(rig.export("posts").is_empty(), "nothing is stored");

    let ended = rig.run(&["import", &path, "--map", "auto", "--save", "pos", "--json"]);
    let tally = &ended.rows(3)[0];
    assert_eq!((&tally["new"], &tally["rejected"]), (&json!(3), &json!(1)), "{ended:?}");
    for part in [
        "имена в строке 3",
        "«Регистрационный номер» → id",
        "«Дата подачи» → published (когда написано; читаются 3 из 4)",
        "«ФИО заявителя» → author",
        "«Телефон» → — (не берётся: личные сведения)",
        "«Описание проблемы» → text",
        "«Адрес проблемы» → address",
        "строка 7: столбец «Дата подачи» (поле published): ожидается время",
        "--map pos",
    ] {
        assert!(ended.err.contains(part), "no «{part}» in {}", ended.err);
    }
    for hidden in ["Иванов", "8902"] {
        assert!(!ended.err.contains(hidden), "{}", ended.err);
    }
    let rows = rig.export("posts");
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert_eq!((&rows[0]["id"], &rows[0]["source"]), (&json!("П-1"), &json!("pos")));
    assert_eq!(rows[0]["published"], "2026-11-20T01:30:00Z");
    assert_eq!(
        (&rows[0]["place"], &rows[0]["places"][0]["house"]),
        (&json!("kedrovo"), &json!("5"))
    );
    assert_eq!(rows[2]["published"], "2026-11-20T02:30:00Z", "Moscow time: {rows:?}");
    assert_eq!(rig.export("problems").len(), 2);

    let map = std::fs::read_to_string(rig.path("config/maps/pos.toml")).expect("a map");
    assert!(map.contains("\"Описание проблемы\" = \"text\"") && !map.contains("Иванов"), "{map}");
    let again = rig.run(&["import", &path, "--map", "pos", "--json"]);
    assert_eq!((&again.rows(3)[0]["known"], &again.rows(3)[0]["new"]), (&json!(3), &json!(0)));
    let absent = rig.run(&["import", &path, "--map", "другая"]);
    assert!(absent.code == 1 && absent.err.contains("--map auto --save другая"), "{absent:?}");
    rig.add("config/maps/pos.toml", "\"Чего нет\" = \"url\"\n");
    let changed = rig.run(&["import", &path, "--map", "pos"]);
    assert!(changed.code == 1 && changed.err.contains("нет столбца «Чего нет»"), "{changed:?}");
}

#[test]
fn a_table_of_an_old_spreadsheet_is_read_and_rows_without_numbers_get_lasting_ones() {
    let rig = Rig::new();
    let table = "Текст инцидента;Дата публикации;Ссылка на сообщение\r\n\
        Нет отопления в Кедрово;20.11.26 09:30;https://vk.com/wall-1_5\r\n\
        Батареи ледяные в Соснягино;20.11.26 09:40;https://vk.com/wall-1_6\r\n";
    let (bytes, _, unmappable) = encoding_rs::WINDOWS_1251.encode(table);
    assert!(!unmappable);
    let path = rig.path("инцидент.csv");
    std::fs::write(&path, bytes).expect("written");
    let args = ["import", &path.to_string_lossy(), "--map", "auto", "--json"];
    let first = rig.run(&args);
    assert_eq!(first.rows(0)[0]["new"], 2, "{first:?}");
    assert!(first.err.contains("номера нет"), "{first:?}");
    assert_eq!(rig.run(&args).rows(0)[0]["known"], 2);
    let rows = rig.export("posts");
    assert_eq!(
        (&rows[0]["source"], &rows[0]["places"][0]["place"]),
        (&json!("инцидент"), &json!("kedrovo"))
    );
}

#[test]
fn complaints_about_a_workbook_name_sheet_and_row() {
    let rig = Rig::new();
    let path = rig.path("book.xlsx");
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet().set_name("Обращения").expect("a name");
    for (column, name) in (0..).zip(["Номер обращения", "Дата", "Текст обращения"])
    {
        sheet.write_string(0, column, name).expect("written");
    }
    sheet.write_number(1, 0, 7).expect("written");
    // A day number without a date format, as exports often have it.
    sheet.write_number(1, 1, 46_346.395_833_333_3).expect("written");
    sheet.write_string(1, 2, "В Кедрово нет отопления").expect("written");
    sheet.write_number(3, 0, 8).expect("written");
    sheet.write_string(3, 1, "скоро").expect("written");
    sheet.write_string(3, 2, "В Соснягино нет отопления").expect("written");
    // A lone cell at the far corner makes no table of seventeen thousand million cells.
    sheet.write_string(1_048_575, 16_383, "край").expect("written");
    book.add_worksheet().set_name("Справка").expect("a name");
    book.save(&path).expect("saved");
    let ended = rig.run(&["import", &path.to_string_lossy()]);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert!(ended.err.starts_with("строка 4: лист «Обращения»: столбец «Дата»"), "{ended:?}");
    let rows = rig.export("posts");
    assert_eq!((rows.len(), &rows[0]["published"]), (1, &json!("2026-11-20T01:30:00Z")));
}

#[test]
fn a_workbook_that_unpacks_without_end_is_refused_before_it_is_read() {
    let rig = Rig::new();
    let path = rig.path("bomb.xlsx");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).expect("a file"));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file("xl/worksheets/sheet1.xml", options).expect("a part");
    let zeros = vec![b'0'; 1024 * 1024];
    for _ in 0..257 {
        std::io::Write::write_all(&mut zip, &zeros).expect("written");
    }
    zip.finish().expect("closed");
    // Its directory claims that the part is small.
    let mut bytes = std::fs::read(&path).expect("read");
    let at = bytes.windows(4).rposition(|four| four == b"PK\x01\x02").expect("a directory");
    bytes[at + 24..at + 28].copy_from_slice(&10_u32.to_le_bytes());
    std::fs::write(&path, bytes).expect("written");
    let ended = rig.run(&["import", &path.to_string_lossy()]);
    assert!(ended.code == 1 && ended.err.contains("не читается"), "{ended:?}");
}

fn hostile(rig: &Rig) -> Vec<String> {
    let texts: Vec<String> = crate::payloads::hostile();
    let lines: Vec<Value> =
        texts.iter().enumerate().map(|(n, text)| post(&format!("{n:04}"), text)).collect();
    rig.import(&lines, 0);
    rig.export("posts").iter().map(|row| row["text"].as_str().unwrap_or("").to_owned()).collect()
}

/// Whether a spreadsheet would take the cell for a formula.
fn armed(cell: &str) -> bool {
    cell.chars().next().is_some_and(|c| "=+-@\t\r＝＋－＠".contains(c))
}

#[test]
fn no_exported_cell_is_a_formula_and_every_text_survives() {
    let rig = Rig::new();
    let texts = hostile(&rig);
    let csv = rig.run(&["export", "posts", "--format", "csv"]);
    assert_eq!(csv.code, 0, "{}", csv.err);
    let mut reader = csv::Reader::from_reader(csv.out.as_bytes());
    let columns = reader.headers().expect("a head").clone();
    let at = columns.iter().position(|name| name == "text").expect("a column");
    let cells: Vec<csv::StringRecord> = reader.records().map(|row| row.expect("a row")).collect();
    assert_eq!(cells.len(), texts.len());
    for (row, text) in cells.iter().zip(&texts) {
        assert!(row.iter().all(|cell| !armed(cell)), "{row:?}");
        let cell = &row[at];
        assert!(cell == text || cell.strip_prefix('\'') == Some(text), "{cell:?} for {text:?}");
    }
    let path = rig.path("posts.xlsx");
    let book = rig.run(&["export", "posts", "--format", "xlsx", "-o", &path.to_string_lossy()]);
    assert_eq!(book.code, 0, "{book:?}");
    let mut book: Xlsx<_> = open_workbook(&path).expect("a workbook");
    let sheet = book.worksheet_range_at(0).expect("a sheet").expect("read");
    assert_eq!(sheet.height(), texts.len() + 1);
    assert!(sheet.used_cells().all(|(_, _, cell)| !armed(&cell.to_string())));
    let unnamed = rig.run(&["export", "posts", "--format", "xlsx"]);
    assert!(unnamed.code == 2 && unnamed.err.contains("--output"), "{unnamed:?}");
}

#[test]
fn a_text_longer_than_a_cell_spoils_no_workbook() {
    let rig = Rig::new();
    rig.import(&[post("1", &"ы".repeat(60_000)), post("2", "Нет отопления")], 0);
    let path = rig.path("posts.xlsx");
    let book = rig.run(&["export", "posts", "--format", "xlsx", "-o", &path.to_string_lossy()]);
    assert_eq!(book.code, 0, "{book:?}");
    let csv = rig.run(&["export", "posts", "--format", "csv"]);
    assert!(csv.out.contains(&"ы".repeat(60_000)), "CSV has no longest cell");
}

#[test]
fn columns_stand_in_the_named_order_and_stand_there_even_if_nothing_is() {
    let rig = Rig::new();
    rig.import(&[post("1", "Доброе утро")], 0);
    for (what, columns) in [
        ("problems", "id,topic,place,level,state,opened,last,posts,voices"),
        ("alerts", "id,problem,reason,at"),
        ("deliveries", "alert,receiver,channel,state,copies"),
    ] {
        let head = rig.run(&["export", what, "--format", "csv"]).out;
        assert!(head.starts_with(columns), "{what}: {head}");
        assert_eq!(head.lines().count(), 1, "{head}");
    }
    let head = rig.run(&["export", "posts", "--format", "csv"]).out;
    assert!(head.starts_with("id,text,platform,source,"), "{head}");
    rig.import(&[post("2", "В Кедрово нет отопления")], 0);
    let table = rig.run(&["export", "problems", "--format", "csv"]).out;
    assert!(table.starts_with("id,topic,place,level,state,opened,last,posts,voices\n"), "{table}");
}
