//! `packs export` and `packs import`: a workbook and back.

use rust_xlsxwriter::Workbook;

use super::Desk;

fn text(desk: &Desk, name: &str) -> String {
    std::fs::read_to_string(desk.path().join(name)).expect("read")
}

/// A workbook with one sheet.
fn book(desk: &Desk, sheet: &str, rows: &[[&str; 6]]) -> String {
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    page.set_name(sheet).expect("a name");
    for (row, cells) in (0..).zip(rows) {
        for (column, cell) in (0..).zip(cells) {
            page.write_string(row, column, *cell).expect("a cell");
        }
    }
    let path = desk.path().join("edit.xlsx");
    book.save(&path).expect("saved");
    path.display().to_string()
}

const HEAD: [&str; 6] = ["строка", "id", "find или значение", "unless", "weight", "disabled"];

fn fire(find: &'static str, weight: &'static str) -> Vec<[&'static str; 6]> {
    vec![
        HEAD,
        ["id", "", "fire", "", "", ""],
        ["title", "", "Пожар", "", "", ""],
        ["kind", "", "danger", "", "", ""],
        ["severity", "", "5", "", "", ""],
        ["rule", "burning", "пожар | \"горит дом\"~3", "", "90", ""],
        ["rule", "smoke", find, "", weight, ""],
        ["example", "да", "Пожар на Советской", "", "", ""],
        ["example", "да", "Горит дом", "", "", ""],
        ["example", "нет", "Добрый день", "", "", ""],
        ["example", "нет", "Вода ржавая", "", "", ""],
    ]
}

#[test]
fn what_was_exported_changes_nothing_when_imported() {
    let desk = Desk::new("");
    desk.write("keywords/local/water.toml", "id = \"water\"\nseverity = 5\n");
    let (code, out, err) = desk.otklik(&["packs", "export", "--xlsx", "packs.xlsx"]);
    assert_eq!((code, out.as_str()), (0, "packs.xlsx: листов 5\n"), "{err}");
    let (code, out, err) = desk.otklik(&["packs", "import", "--xlsx", "packs.xlsx"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert_eq!(out, "Изменены файлы: 0. Листов прочитано: 5, ошибок нет.\n");
}

#[test]
fn an_edit_in_the_workbook_reaches_the_file() {
    let desk = Desk::new("");
    let edit = book(&desk, "fire", &fire("дым | гарь", "40"));
    let before = text(&desk, "keywords/fire.toml");
    let (code, out, _) = desk.otklik(&["packs", "import", "--xlsx", &edit, "--dry-run"]);
    assert_eq!(code, 0, "{out}");
    assert_eq!(text(&desk, "keywords/fire.toml"), before, "a dry run writes nothing");
    let (code, out, err) = desk.otklik(&["packs", "import", "--xlsx", &edit]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("keywords/fire.toml\n"), "{out}");
    assert!(text(&desk, "keywords/fire.toml").contains("find = 'дым | гарь'\nweight = 40\n"));
    let (code, out, _) = desk.otklik(&["explain", "Дым над посёлком"]);
    assert!(code == 0 && out.contains("fire:smoke  +40"), "{out}");
    // A new pack is a new sheet.
    let mut rows = fire("дым", "40");
    rows[1][2] = "smog";
    let edit = book(&desk, "smog", &rows);
    assert_eq!(desk.otklik(&["packs", "import", "--xlsx", &edit]).0, 0);
    assert_eq!(desk.otklik(&["packs", "test", "smog"]).0, 0);
}

#[test]
fn faults_are_named_by_sheet_and_cell_and_nothing_is_written() {
    let desk = Desk::new("");
    let files = desk.files().len();
    for (rows, expected) in [
        (fire("дым \"горит лес", "40"), "лист «fire», ячейка C7, знак 5: нет закрывающей кавычки"),
        (fire("дым", "400"), "лист «fire», ячейка E7: «weight» вне пределов"),
        (fire("дым", "много"), "лист «fire», ячейка E7: нужно целое число"),
        (fire("день", "40"), "лист «fire», ячейка C10, знак 1: пример не должен находиться"),
    ] {
        let edit = book(&desk, "fire", &rows);
        let (code, out, err) = desk.otklik(&["packs", "import", "--xlsx", &edit]);
        assert_eq!((code, out.as_str()), (78, ""), "{err}");
        assert!(err.contains(expected), "{err}");
    }
    let edit = book(&desk, "Лист1", &fire("дым", "40"));
    let (code, _, err) = desk.otklik(&["packs", "import", "--xlsx", &edit]);
    assert!(code == 78 && err.contains("лист «Лист1»: это не имя словаря"), "{err}");
    assert_eq!(desk.files().len(), files + 1, "only the workbook itself is new");
}

#[test]
fn differences_from_what_was_shipped_are_shown() {
    let desk = Desk::new("");
    let (code, out, _) = desk.otklik(&["packs", "diff", "water"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("water\n") && out.contains("+ rule:tap: вода"), "{out}");
    let (code, _, err) = desk.otklik(&["packs", "history"]);
    assert!(code != 0 && !err.is_empty(), "no store yet: {err}");
}

#[test]
fn what_is_no_workbook_is_told_in_russian() {
    let desk = Desk::new("");
    desk.write("table.xlsx", "id;find\nfire;дым\n");
    for (file, expected) in [
        ("table.xlsx", "table.xlsx: книга не читается: это не книга Excel или она повреждена; "),
        ("none.xlsx", "none.xlsx: книга не читается: файл не найден"),
    ] {
        let (code, _, err) = desk.otklik(&["packs", "import", "--xlsx", file]);
        assert_eq!(code, 1, "{err}");
        assert!(err.contains(expected), "{err}");
    }
}
