"""A share listing from «Беру» to «Мұрағат», in a browser, by everybody it concerns: one story, told in order.

Each test is a step of the same application; a step that fails ends the story.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from app.signatures.report import Verdict
from tests.journeys.people import Cast, Person, dense, dynamic_form, simple_form, text_of
from tests.papers import pdf
from tests.serving import Installation, Served, copy_of, ncalayer, serving

ONE_STORY = True

ZONE = ZoneInfo("Asia/Almaty")
MOMENT = re.compile(r"\d\d\.\d\d\.20\d\d \d\d:\d\d")
FILLING = (
    "Қажетті мәліметтерді, өтінішті толтырыңыз, эмитенттің және оның бағалы қағаздарының листингілік критерийлерге "
    "(талаптарға) сәйкестігін растаңыз және құжаттар топтамасын қоса беріңіз"
)
DISPATCH = (
    "Сіз толтырған өтінішті, мәліметтер мен құжаттарды тексеру және одан әрі қол қою мақсатында рұқсаттама "
    "бастамашысының бірінші басшысына жіберіңіз"
)
DISPATCH_STAGE = (
    "Толтырылған өтінішті, мәліметтер мен құжаттарды тексеру және одан әрі қол қою мақсатында рұқсаттама "
    "бастамашысының бірінші басшысына жіберіңіз"
)
REGISTRATION = "Биржа кеңсесінің рұқсаттама бастамашысынан өтінішті тіркеуі"
VIEW_SENT = "Биржаға жіберілген өтініштер мен құжаттарды қарау"
WITHDRAWAL = "Өтінішті кері қайтарып алу"
REQUIREMENTS = "extra_listing_requirements"
FILL_STAGES = ("issuer", "requirements", "adviser_choice", "adviser_statement", "documents")
ADDRESS = "050010, Алматы қ., Достық даңғылы, 291/3а"


@dataclass
class Story:
    """What the steps hand on to each other."""

    cast: Cast
    agent_port: int
    number: str = ""
    document: bytes = b""
    viewed_in: list[str] = field(default_factory=list)

    @property
    def root(self) -> str:
        return f"/applications/{self.number}"

    def hub(self, key: str) -> Person:
        """Let somebody open the application's page."""
        person = self.cast[key]
        person.hub(self.number)
        return person

    def issuer_sees_what_was_sent(self) -> None:
        """Note that the author has the subprocess of viewing in the present process (IS2IN-25.a)."""
        issuer = self.hub("issuer")
        assert issuer.words('[data-subprocess="view_sent"] h3') == VIEW_SENT
        self.viewed_in.append(issuer.process())

    def sign_and_send(self) -> bytes:
        """Let the first head sign through NCALayer and send the file; return the document's bytes."""
        head = self.cast["first_head"]
        head.go(f"{self.root}/sign")
        name = "iframe.sheet"
        shown = head.page.request.get(self.cast.served.address + str(head.find(name).get_attribute("src"))).body()
        with ncalayer(self.cast.served.installation, port=self.agent_port):
            head.press("act.sign_eds", ".step > .bar")
            head.press("act.sign", "#signing")
            expect(head.find("[data-signature]")).to_be_visible()
        head.press("act.send_file")
        expect(head.find(".alert--success")).to_be_visible()
        return bytes(shown)

    def issue(self, stage: str, trigger: str, by: str = "listing_head") -> None:
        """Let the Exchange's head sign what a stage has written through NCALayer; ``by`` takes the transition then."""
        head = self.cast["listing_head"]
        head.go(f"{self.root}/stages/{stage}")
        with ncalayer(self.cast.served.installation, key="listing_head", port=self.agent_port):
            head.press("act.sign_eds", ".step > .bar")
            head.press("act.sign", "#signing")
            expect(head.find("[data-signature]")).to_be_visible()
        person = self.cast[by]
        person.go(f"{self.root}/stages/{stage}")
        person.press("", of=person.find(f'form[data-trigger="{trigger}"] button'))
        expect(person.find(".alert--success")).to_be_visible()


@pytest.fixture(scope="module")
def served(loaded: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(copy_of(loaded, tmp_path_factory.mktemp("share_listing") / "var"), worker=True) as running:
        yield running


@pytest.fixture(scope="module")
def whole_story(served, chromium, agent_port) -> Iterator[Story]:
    cast = Cast(served, chromium)
    yield Story(cast, agent_port)
    cast.leave()


@pytest.fixture
def story(whole_story) -> Iterator[Story]:
    yield whole_story
    assert whole_story.cast.complaints() == []


@pytest.fixture
def issuer(story) -> Person:
    return story.cast["issuer"]


@pytest.fixture
def first_head(story) -> Person:
    return story.cast["first_head"]


@pytest.fixture
def adviser(story) -> Person:
    return story.cast["adviser"]


def stood(person: Person) -> dict[str, str]:
    return person.stage_states()


def codes_offered(person: Person) -> set[str]:
    """Return the codes of the companies in the list of paragraph 13."""
    return {words.split(" – ")[0] for words in person.find('[name="company"] option:not([value=""])').all_inner_texts()}


def writable_by(story: Story, person: Person, stages: tuple[str, ...]) -> list[str]:
    """Return which of the stages somebody may write in now; the others he may only read."""
    found = []
    for stage in stages:
        person.go(f"{story.root}/stages/{stage}")
        if person.find("form[data-stage]").count():
            found.append(stage)
    return found


# The cabinet and the new application (paragraphs 4, 6, 7, 13)


@pytest.mark.req("IS2IN-4.b", "IS2IN-6", "IS2IN-7.1", "IS2IN-7.2", "IS2IN-7.3")
def test_signing_in_leads_to_the_main_page_with_logo_cabinet_and_menu(issuer):
    assert issuer.path == "/"
    expect(issuer.find("nav.menu [data-key='nav.procedures']")).to_have_text("Процедуралар")
    expect(issuer.find("summary[data-key='nav.account']")).to_be_visible()

    issuer.go("/applications")
    issuer.follow(issuer.find("a.logo"))

    assert issuer.path == "/"


@pytest.mark.req("IS2IN-13.c", "IS2IN-13.d")
def test_an_adviser_may_choose_his_own_company_and_those_that_made_him_partner(story, adviser):
    adviser.go("/procedures/share_listing/new")
    assert codes_offered(adviser) == {"SNIM", "ALTN"}

    lonely = story.cast["lone_adviser"]
    lonely.go("/procedures/share_listing/new")

    assert codes_offered(lonely) == {"JLGZ"}


@pytest.mark.req("IS2IN-9.1.b", "IS2IN-13.a", "IS2IN-13.b", "IS2IN-13.e", "IS2IN-14.a", "IS2IN-14.b", "IS2IN-14.e")
def test_the_issuer_creates_an_application_and_sees_the_row_of_processes(story, issuer):
    issuer.follow(issuer.find("nav.menu [data-key='nav.procedures']"))
    expect(issuer.find('[data-procedure="share_listing"] [data-key="act.apply"]')).to_contain_text("Беру")
    issuer.press("act.apply", '[data-procedure="share_listing"]')
    own = issuer.find('select[name="company"] option:not([value=""])')
    expect(own).to_have_count(1)
    issuer.find('select[name="company"]').select_option(own.get_attribute("value"))
    expect(issuer.key_of("act.create")).to_have_text("Құру")
    issuer.press("act.create")

    story.number = str(issuer.find(".app-head").get_attribute("data-app"))
    issuer.stands_in("filling")
    assert issuer.words("h2#process") == FILLING
    processes = [item.get_attribute("data-process") for item in issuer.find(".stepper li[data-process]").all()]
    assert processes[:3] == ["filling", "first_head", "registration"]
    assert processes[-1] == "archived"
    assert issuer.find(".stepper [aria-current=step]").get_attribute("data-process") == "filling"
    assert issuer.words('[data-subprocess="dispatch"] h3') == DISPATCH
    assert issuer.words('[data-subprocess="dispatch"] li[data-stage="summary"] .tasks__main > :first-child') == (
        DISPATCH_STAGE
    )
    expect(issuer.find('[data-subprocess="data"] li[data-stage]')).to_have_count(5)


@pytest.mark.req("IS2IN-14.d")
def test_only_blue_stages_can_be_entered(story):
    issuer = story.hub("issuer")

    entered = {"issuer", "requirements", "adviser_choice", "documents"}
    links = issuer.find("li[data-stage] a.tasks__link")
    assert {link.get_attribute("data-stage") for link in links.all()} == entered
    red, green, blue = map(
        int,
        re.findall(r"\d+", links.first.evaluate("link => getComputedStyle(link).color"))[:3],
    )
    assert blue > red
    assert blue > green
    for stage in ("adviser_statement", "summary"):
        assert issuer.find(f'li[data-stage="{stage}"] a').count() == 0


# Filling (paragraphs 14, 16)


@pytest.mark.req("IS2IN-14.1.a", "IS2IN-14.1.b", "IS2IN-14.f")
def test_save_keeps_what_was_typed_with_gaps_and_stays_in_the_stage(story):
    issuer = story.hub("issuer")
    issuer.follow(issuer.find('a[data-stage="issuer"]'))
    issuer.find('[name="website"]').fill("https://altyndan.example")
    expect(issuer.find('form[data-stage] [data-key="act.save"]')).to_have_text("Сақтау")
    issuer.press("act.save", "form[data-stage]")

    assert issuer.path == f"{story.root}/stages/issuer"
    expect(issuer.find('[name="website"]')).to_have_value("https://altyndan.example")
    expect(issuer.find(".saved")).to_have_attribute("data-state", "filling")
    expect(issuer.find('[data-note-for="bin"]')).to_be_visible()
    assert stood(story.hub("issuer"))["issuer"] == "filling"


@pytest.mark.req("IS2IN-14.2.a", "IS2IN-14.2.b", "IS2IN-14.c", "IS2IN-14.f", "IS2IN-16.a", "IS2IN-16.b")
def test_done_refuses_gaps_by_name_and_then_goes_on_to_the_next_stage(story):
    issuer = story.hub("issuer")
    issuer.follow(issuer.find('a[data-stage="issuer"]'))
    issuer.find('[name="bin"]').fill("123")
    expect(issuer.find('form[data-stage] [data-key="act.done"]')).to_have_text("Дайын")
    issuer.answered(lambda: issuer.press("act.done", "form[data-stage]"), 422)

    required = {item.key for key in ("issuer", "listing_application") for item in simple_form(key).fields}
    told = {str(found.get_attribute("data-error-for")) for found in issuer.find("[data-error-for]").all()}
    assert {"bin", "full_name-kk", "legal_address", "resolution_date"} <= {*told, "full_name-kk"} & (
        required | {"full_name-kk"}
    )
    assert "website" not in told
    expect(issuer.find('[name="bin"]')).to_have_value("123")

    issuer.fill("issuer", "listing_application", own={"bin": "050340001235"})
    issuer.press("act.done", "form[data-stage]")

    assert issuer.path == f"{story.root}/stages/requirements"
    assert stood(story.hub("issuer"))["issuer"] == "filled"
    assert "Толтырылды" in issuer.words('li[data-stage="issuer"]')


@pytest.mark.req("IS2IN-16.c", "IS2IN-16.d", "IS2IN-16.e", "IS2IN-16.f")
def test_criteria_without_forms_say_so_and_offer_no_form(story):
    issuer = story.hub("issuer")
    issuer.follow(issuer.find('a[data-stage="requirements"]'))
    assert issuer.words("h1") == "Қосымша листингілік талаптар"
    expect(issuer.key_of("act.add_security")).to_contain_text("Бағалы қағаз қосу")
    assert issuer.words(f'[data-field="{REQUIREMENTS}-platform"] label') == "Алаң"
    assert issuer.find(f'select[name="{REQUIREMENTS}-sector"]').count() == 0

    issuer.choose_criteria(REQUIREMENTS, ("mixed",))

    expect(issuer.key_of("dyn.no_forms")).to_be_visible()
    assert issuer.find(f'select[name="{REQUIREMENTS}-sector"]').count() == 0
    assert issuer.find('button[name="add"]').count() == 0


@pytest.mark.req("IS2IN-16.d", "IS2IN-16.e", "IS2IN-16.g", "IS2IN-16.h", "IS2IN-16.i")
def test_platform_sector_category_and_isin_open_the_form_of_premium_shares(story, issuer):
    issuer.choose_criteria(REQUIREMENTS, ("main", "shares", "premium"))
    for level, words, chosen in (
        ("platform", "Алаң", "Негізгі"),
        ("sector", "Сектор", "Акциялар"),
        ("category", "Санат", "Премиум"),
    ):
        row = issuer.field(f"{REQUIREMENTS}-{level}")
        assert row.locator("label").inner_text() == words
        assert row.locator("option:checked").inner_text() == chosen
    isin = issuer.find(f'[name="{REQUIREMENTS}-isin"]')
    isin.fill("KZ1C00001618")
    expect(issuer.find('button[name="add"]')).to_have_text("Қосу")
    issuer.answered(lambda: issuer.follow(issuer.find('button[name="add"]')), 422)
    expect(issuer.error(f"{REQUIREMENTS}-isin")).to_be_visible()
    expect(isin).to_have_value("KZ1C00001618")

    isin.fill("KZ1C00001619")
    issuer.follow(issuer.find('button[name="add"]'))

    expect(issuer.find("[data-entry]")).to_have_count(1)
    leaf = dynamic_form(REQUIREMENTS).form_at(("main", "shares", "premium"))
    assert leaf is not None
    for item in leaf.fields:
        expect(issuer.field(f"{REQUIREMENTS}-e1-{item.key}")).to_be_visible()

    issuer.fill_entry(REQUIREMENTS)
    issuer.press("act.done", "form[data-stage]")

    assert issuer.path == f"{story.root}/stages/adviser_choice"


@pytest.mark.req("IS2IN-14.j")
def test_sending_is_refused_while_stages_are_unfinished_and_names_them(story):
    issuer = story.hub("issuer")
    issuer.go(f"{story.root}/summary")

    issuer.answered(lambda: issuer.press("act.send_for_approval"), 409)

    said = issuer.words(".errors")
    assert "Құжаттар топтамасы" in said
    assert "Қаржы кеңесшісін таңдау" in said
    assert "Эмитент туралы мәліметтер" not in said
    issuer.stands_in("filling")


@pytest.mark.req("IS2IN-9.4.c", "IS2IN-14.g")
def test_only_a_partners_employee_is_offered_as_adviser_and_sees_nothing_before(story, adviser):
    adviser.go(story.root, status=404)
    issuer = story.hub("issuer")
    issuer.follow(issuer.find('a[data-stage="adviser_choice"]'))

    offered = issuer.find('select[name="adviser"] option:not([value=""])')
    assert len(offered.all()) == 1
    assert "Сапарова Гүлнәр" in offered.inner_text()
    assert issuer.key_of("act.skip_stage").count() == 0

    issuer.find('select[name="adviser"]').select_option(offered.get_attribute("value"))
    issuer.press("act.done", "form[data-stage]")

    assert issuer.path == f"{story.root}/stages/documents"


@pytest.mark.req("IS2IN-8.1.a", "IS2IN-8.1.b", "IS2IN-8.1.c", "IS2IN-8.1.d", "IS2IN-14.h")
def test_the_chosen_adviser_is_told_in_the_cabinet_and_by_mail(story, adviser):
    adviser.go("/notifications")

    row = f'li[data-notification][data-app="{story.number}"] >> nth=0'
    said = adviser.words(row)
    assert "Акцияларды Биржаның ресми тізіміне енгізу" in said
    assert "Ахметова Айгүл" in said
    assert MOMENT.search(said)
    expect(adviser.find(f'{row} >> [data-key="role.executor"]')).to_be_visible()
    expect(adviser.find(f'{row} >> [data-key="msg.your_action"]')).to_be_visible()
    mail = story.cast.await_mail("adviser", story.number, story.root)
    assert "Алтындән" in mail


def test_the_adviser_fills_his_own_stage_and_no_other(story, adviser):
    assert writable_by(story, adviser, FILL_STAGES) == ["adviser_statement"]

    adviser.work(story.number, "adviser_statement", "adviser_statement")

    assert stood(story.hub("issuer"))["adviser_statement"] == "filled"


def test_documents_are_uploaded_and_every_stage_is_filled(story, issuer):
    issuer.stage(story.number, "documents")
    own = {"charter": "жарғы-құпиясөз.pdf"}
    issuer.fill("documents", own=own)
    issuer.press("act.done", "form[data-stage]")

    assert issuer.path == f"{story.root}/summary"
    expect(issuer.find('[data-field="charter"] [data-file] a')).to_have_text("жарғы-құпиясөз.pdf")
    states = stood(story.hub("issuer"))
    assert {stage: states[stage] for stage in FILL_STAGES} == dict.fromkeys(FILL_STAGES, "filled")
    assert issuer.find('[data-subprocess="data"]').inner_text().count("Толтырылды") == 5


# The summary form and its dispatch (paragraphs 18, 19)


@pytest.mark.req("IS2IN-18.a", "IS2IN-18.b", "IS2IN-19.a", "IS2IN-19.b")
def test_the_summary_form_shows_every_stage_and_comes_as_pdf_from_the_lower_right(story, issuer):
    issuer.stage(story.number, "summary")
    shown = [item.get_attribute("data-stage") for item in issuer.find("section[data-stage]").all()]
    assert shown == list(FILL_STAGES)
    button = issuer.find(".bar__end [data-key='act.download_document']")
    expect(button).to_have_text("Құжатты жүктеу")
    place, main = button.bounding_box(), issuer.find("main").bounding_box()
    last = issuer.find("main section[data-stage]").last.bounding_box()
    assert place is not None
    assert main is not None
    assert last is not None
    assert place["x"] + place["width"] > main["x"] + main["width"] * 0.9
    assert place["y"] >= last["y"] + last["height"]

    name, content = issuer.download(button.click)

    assert name == f"{story.number}.pdf"
    said = text_of(content)
    for words in (story.number, "050340001235", "KZ1C00001619", "Негізгі", "Премиум", "жарғы-құпиясөз.pdf"):
        assert dense(words) in said


@pytest.mark.req("IS2IN-19.c", "IS2IN-20.a")
def test_sending_for_approval_moves_to_the_first_head_and_tells_him(story, issuer, first_head):
    issuer.go(f"{story.root}/summary")
    expect(issuer.key_of("act.send_for_approval")).to_have_text("Келісуге жіберу")
    issuer.press("act.send_for_approval")

    issuer.stands_in("first_head")
    issuer.go(f"{story.root}/review")
    assert issuer.find("form[data-kind]").count() == 0
    first_head.go("/notifications")
    row = f'li[data-app="{story.number}"]:has([data-key="msg.your_action"])'
    expect(first_head.find(row)).to_have_count(1)
    story.cast.await_mail("first_head", story.number, story.root)
    first_head.go("/")
    expect(first_head.find(f'[data-block="mine"] [data-app="{story.number}"]')).to_be_visible()


# The first head (paragraphs 20 to 23)


@pytest.mark.req("IS2IN-20.b", "IS2IN-20.g")
def test_the_first_head_has_three_actions_and_a_comment_button_right_of_every_field(story, first_head):
    first_head.stage(story.number, "approval")

    assert first_head.path == f"{story.root}/review"
    assert first_head.offers("main .bar--form") == ["act.save", "act.return_for_rework", "act.approved"]
    assert first_head.find("main .bar--form").inner_text().split("\n") == [
        "Сақтау",
        "Пысықтауға қайтару",
        "Келісілді",
    ]
    rows = first_head.find("[data-place]")
    assert rows.count() > 60
    places = rows.evaluate_all(
        """rows => rows.map(row => {
            const button = row.querySelector("summary[data-key='act.comment']");
            const value = row.querySelector(".answer__value");
            if (value === null) return button !== null;  // a row or a group: its button stands at its title
            return button !== null && button.getBoundingClientRect().left >= value.getBoundingClientRect().right - 1;
        })"""
    )
    assert all(places)


@pytest.mark.req("IS2IN-20.d")
def test_nothing_is_returned_without_a_comment(story, first_head):
    first_head.go(f"{story.root}/review")

    first_head.answered(lambda: first_head.press("act.return_for_rework"), 409)

    expect(first_head.find(".errors")).to_be_visible()
    first_head.stands_in("first_head")


@pytest.mark.req("IS2IN-20.c", "IS2IN-20.f", "IS2IN-20.h", "IS2IN-20.i")
def test_a_comment_is_published_with_its_moment_only_by_save(story, first_head):
    place = "issuer.legal_address"
    first_head.go(f"{story.root}/review")
    first_head.find(f'[data-place="{place}"] summary[data-key="act.comment"]').click()
    expect(first_head.find('dialog[open] [data-key="act.continue"]')).to_have_text("Жалғастыру")
    first_head.find('dialog[open] [data-key="act.cancel"]').click()
    first_head.comment(place, "Мекенжайды жарғымен салыстырыңыз")
    talk = f'[data-place="{place}"] .talk__item'
    assert not MOMENT.search(first_head.words(talk))
    issuer = story.cast["issuer"]
    issuer.go(f"{story.root}/summary")
    assert "салыстырыңыз" not in issuer.find("main").inner_text()

    first_head.press("act.save", "main .bar--form")

    assert first_head.path == f"{story.root}/review"
    said = first_head.words(talk)
    assert "Мекенжайды жарғымен салыстырыңыз" in said
    moment = MOMENT.search(said)
    assert moment is not None
    written = datetime.strptime(moment[0], "%d.%m.%Y %H:%M").replace(tzinfo=ZONE)
    assert abs((datetime.now(ZONE) - written).total_seconds()) < 180
    issuer.go(f"{story.root}/summary")
    assert "салыстырыңыз" in issuer.words(f'[data-place="{place}"]')


@pytest.mark.req("IS2IN-20.d", "IS2IN-24.b")
def test_the_application_comes_back_with_both_comments_and_every_stage_open(story, issuer, first_head):
    first_head.go(f"{story.root}/review")
    first_head.comment("documents.charter", "Жарғының соңғы редакциясын салыңыз")
    first_head.press("act.return_for_rework")

    first_head.stands_in("filling")
    issuer.go(f"{story.root}/comments")
    kinds = [
        (item.get_attribute("data-kind"), item.get_attribute("data-state"))
        for item in issuer.find("[data-comment]").all()
    ]
    assert kinds == [("comment", "open"), ("comment", "open")]
    issuer.hub(story.number)
    assert {item.get_attribute("data-stage") for item in issuer.find("a.tasks__link").all()} >= {
        "issuer",
        "requirements",
        "documents",
        "summary",
    }
    story.cast.await_mail("issuer", story.number, story.root)


def test_the_issuer_corrects_answers_and_sends_again(story, issuer):
    issuer.stage(story.number, "issuer")
    assert "салыстырыңыз" in issuer.words('[data-field="legal_address"]')
    issuer.find('[name="legal_address"]').fill(ADDRESS)
    issuer.press("act.done", "form[data-stage]")
    issuer.stage(story.number, "documents")
    with issuer.page.expect_file_chooser() as chooser:
        issuer.find('[data-field="charter"] [data-replace]').click()
    chooser.value.set_files({"name": "жарғы-2026.pdf", "mimeType": "application/pdf", "buffer": pdf("2026")})
    issuer.press("act.done", "form[data-stage]")
    issuer.go(f"{story.root}/comments")
    for answer in issuer.find('textarea[name^="answer-"]').all():
        answer.fill("Түзетілді")
    issuer.press("act.save", "main .bar--form")
    assert {item.get_attribute("data-state") for item in issuer.find("[data-comment]").all()} == {"answered"}

    issuer.go(f"{story.root}/summary")
    files = issuer.find('[data-field="charter"] [data-file] a')
    expect(files).to_have_text("жарғы-2026.pdf")
    issuer.press("act.send_for_approval")

    issuer.stands_in("first_head")


@pytest.mark.req("IS2IN-20.e", "IS2IN-21.a", "IS2IN-P.5")
def test_agreeing_opens_the_signing(story, first_head):
    first_head.go(f"{story.root}/review")
    assert ADDRESS in first_head.words('[data-place="issuer.legal_address"] .answer__value')

    first_head.press("act.approved", "main .bar--form")

    assert first_head.path == f"{story.root}/sign"


@pytest.mark.req("IS2IN-21.b")
def test_the_application_can_be_read_before_it_is_signed(story, first_head):
    first_head.go(f"{story.root}/sign")
    frame = str(first_head.find("iframe.sheet").get_attribute("src"))
    shown = first_head.page.request.get(story.cast.served.address + frame)

    assert shown.headers["content-type"] == "application/pdf"
    assert dense(ADDRESS) in text_of(shown.body())
    link = first_head.find(".step__links a[download]")
    _, content = first_head.download(link.click)
    assert content == shown.body()
    files = first_head.find(".step .files [data-file]")
    assert files.count() == sum(1 for item in simple_form("documents").fields if item.required)
    story.document = content


@pytest.mark.req("IS2IN-23.a")
def test_the_file_cannot_be_sent_before_it_is_signed(story, first_head):
    expect(first_head.key_of("act.send_file")).to_have_attribute("aria-disabled", "true")
    token = first_head.find('input[name="csrf_token"]').first.get_attribute("value")
    seen = first_head.find('input[name="seen"]').first.get_attribute("value")

    answer = first_head.page.request.post(
        f"{story.cast.served.address}{story.root}/transitions/send_file",
        form={"csrf_token": str(token), "seen": str(seen)},
    )

    assert answer.status == 409
    first_head.go(f"{story.root}/sign")
    first_head.stands_in("first_head")


@pytest.mark.req("IS2IN-21.c", "IS2IN-22.a", "IS2IN-22.1")
def test_an_agent_that_does_not_run_and_a_cancelled_window_are_told_apart(story, first_head):
    expect(first_head.find('.step > .bar [data-key="act.sign_eds"]')).to_have_text("ЭЦҚ-мен қол қою")
    first_head.press("act.sign_eds", ".step > .bar")
    expect(first_head.find('[role=tab][data-key="sig.nca"]')).to_have_text("ҰКО")
    expect(first_head.find('[role=tab][data-key="sig.nca"]')).to_have_attribute("aria-selected", "true")
    expect(first_head.find('#signing [data-key="act.sign"]')).to_have_text("Қол қою")
    first_head.press("act.sign", "#signing")
    missing = first_head.find("[data-sign-status][data-state=missing]")
    expect(missing).to_be_visible()
    told = missing.inner_text()

    with ncalayer(story.cast.served.installation, behaviour="cancel", port=story.agent_port):
        first_head.press("act.sign", "#signing")
        cancelled = first_head.find("[data-sign-status][data-state=cancelled]")
        expect(cancelled).to_be_visible()

    assert cancelled.inner_text() != told
    first_head.go(f"{story.root}/sign")
    expect(first_head.find(".step[data-state=unsigned]")).to_have_count(1)


@pytest.mark.req("IS2IN-15.b", "IS2IN-23.a", "IS2IN-23.b")
def test_the_first_head_signs_by_ncalayer_and_the_file_goes_to_the_chancery(story, first_head):
    issuer = story.hub("issuer")
    expect(issuer.key_of("act.delete_application")).to_be_visible()

    assert story.sign_and_send() == story.document

    first_head.stands_in("registration")
    assert first_head.words("h2#process") == REGISTRATION
    assert "Өтініш тіркеу үшін Биржа кеңсесіне жіберілді" in first_head.words(".alert--success")
    token = issuer.find('input[name="csrf_token"]').first.get_attribute("value")
    story.hub("issuer")
    assert issuer.key_of("act.delete_application").count() == 0
    late = issuer.page.request.post(
        f"{story.cast.served.address}{story.root}/transitions/delete", form={"csrf_token": str(token), "seen": "99"}
    )
    assert late.status == 409
    story.issuer_sees_what_was_sent()


@pytest.mark.req("IS2IN-22.b", "IS2IN-25.b", "IS2IN-25.d")
def test_the_signed_document_shows_its_signature(story, issuer):
    issuer.hub(story.number)
    issuer.follow(issuer.find('[data-subprocess="view_sent"] a'))
    assert issuer.words("h1") == VIEW_SENT
    expect(issuer.find('[data-kind="application"] [data-signature]')).to_contain_text("760118300039")
    assert len(issuer.find("section[data-stage]").all()) == len(FILL_STAGES)

    copy = issuer.find('[data-kind="signed_copy"] [data-key="act.copy_document"]')
    _, content = issuer.download(copy.click)

    said = text_of(content)
    assert dense("Нұрланов Дәурен") in said
    assert "760118300039" in said
    expect(issuer.find(".bar--form .bar__end [data-key='act.copy_document']")).to_have_text("Құжатты көшіру")


# The Exchange (paragraphs 23 to 26)


@pytest.mark.req("IS2IN-23.c", "IS2IN-24.a")
def test_the_chancery_registers_and_the_completeness_check_follows(story):
    chancery = story.cast["chancery"]
    chancery.go("/queue")
    expect(chancery.find(f'tr[data-app="{story.number}"]')).to_have_attribute("data-state", "awaiting_registration")

    chancery.work(story.number, "registration", "registration", "register")

    chancery.stands_in("completeness")
    expect(chancery.find('.standing [data-key="col.reg_number"] + dd')).to_contain_text("20")
    story.issuer_sees_what_was_sent()


def test_the_listing_officer_accepts_a_complete_package(story):
    listing = story.cast["listing"]

    listing.work(story.number, "completeness", "completeness", "accept")

    listing.stands_in("expertise")
    story.issuer_sees_what_was_sent()


def test_three_departments_review_at_once_and_only_their_own(story):
    reviews = ("listing_review", "legal_review", "financial_review")

    open_to = {key: writable_by(story, story.cast[key], reviews) for key in ("listing", "lawyer", "analyst")}

    assert open_to == {"listing": ["listing_review"], "lawyer": ["legal_review"], "analyst": ["financial_review"]}


def test_a_remark_waits_for_the_letter_of_remarks(story):
    lawyer = story.cast["lawyer"]
    lawyer.hub(story.number)
    lawyer.follow(lawyer.find('.tabs [data-key="app.nav.write_remarks"]'))
    lawyer.comment("issuer.head_position", "Өкілеттігін растайтын құжатты көрсетіңіз")
    lawyer.press("act.save", "main .bar--form")
    issuer = story.cast["issuer"]
    issuer.go(f"{story.root}/comments")
    assert "Өкілеттігін" not in issuer.find("main").inner_text()

    lawyer.work(story.number, "legal_review", "legal_review", own={"opinion": "remarks"})
    story.cast["analyst"].work(story.number, "financial_review", "financial_review")
    listing = story.hub("listing")
    refused = listing.find('form[data-trigger="send_remarks"]')
    expect(refused).to_have_attribute("data-state", "refused")

    listing.work(story.number, "listing_review", "listing_review")
    listing.hub(story.number)
    expect(refused).to_have_attribute("data-state", "open")
    expect(listing.find('form[data-trigger="finish_expertise"]')).to_have_attribute("data-state", "refused")
    listing.press("act.send_remarks")

    listing.stands_in("rework")
    story.issuer_sees_what_was_sent()


@pytest.mark.req("IS2IN-24.b")
def test_the_issuer_is_told_answers_the_remark_and_corrects(story, issuer):
    issuer.go("/notifications")
    expect(issuer.find(f'li[data-app="{story.number}"]:has([data-key="msg.your_action"])').first).to_be_visible()
    story.cast.await_mail("issuer", story.number, "Биржаның ескертулерін жою")
    issuer.go(f"{story.root}/summary")
    issuer.answered(lambda: issuer.press("act.send_for_approval"), 409)
    expect(issuer.find(".errors")).to_be_visible()
    issuer.stage(story.number, "issuer")
    issuer.find('[name="head_position"]').fill("Басқарма төрағасы, 2025 жылғы 14 наурыздағы хаттама")
    issuer.press("act.done", "form[data-stage]")
    issuer.go(f"{story.root}/comments")
    remark = issuer.find('[data-comment][data-kind="remark"]')
    expect(remark).to_have_attribute("data-state", "open")
    assert "Өкілеттігін растайтын құжатты көрсетіңіз" in remark.inner_text()
    remark.locator("textarea").fill("Хаттаманың күні қосылды")
    issuer.press("act.save", "main .bar--form")

    issuer.go(f"{story.root}/summary")
    issuer.press("act.send_for_approval")

    issuer.stands_in("rework_approval")
    story.issuer_sees_what_was_sent()


def test_the_first_head_signs_the_reworked_application_again(story, first_head):
    first_head.stage(story.number, "approval")
    first_head.press("act.approved", "main .bar--form")

    again = story.sign_and_send()

    assert again != story.document
    story.document = again
    first_head.stands_in("expertise")


def test_the_lawyer_resolves_his_remark_and_the_reviews_end(story):
    lawyer = story.cast["lawyer"]
    lawyer.go(f"{story.root}/comments")
    remark = '[data-comment][data-kind="remark"]'
    assert "Хаттаманың күні қосылды" in lawyer.words(remark)
    lawyer.press("act.resolve", remark)
    expect(lawyer.find(remark)).to_have_attribute("data-state", "resolved")
    lawyer.work(story.number, "legal_review", "legal_review")
    story.cast["analyst"].work(story.number, "financial_review", "financial_review")
    listing = story.cast["listing"]
    listing.work(story.number, "listing_review", "listing_review")
    listing.hub(story.number)
    listing.press("act.prepare_conclusion")

    listing.stands_in("conclusion")
    story.issuer_sees_what_was_sent()


def conclude(story):
    """Judge the criteria, draft the conclusion, send it to the head, who approves it."""
    listing = story.cast["listing"]
    listing.go(f"{story.root}/panel?tab=criteria")
    for card in listing.find("[data-criterion]").all():
        card.locator('input[value="met"]').check()
        card.locator("textarea").fill("Тексерілді")
    listing.press("act.save", "main .bar--form")
    listing.go(f"{story.root}/panel?tab=conclusion")
    listing.press("review.conclusion.draft")
    listing.stage(story.number, "conclusion")
    listing.press("act.done", "form[data-stage]")
    expect(listing.find(".alert--success")).to_be_visible()
    head = story.cast["listing_head"]
    head.work(story.number, "conclusion_approval", "conclusion_approval")
    story.issue("conclusion_signing", "approve_conclusion")


@pytest.mark.req("IS2IN-26.b")
def test_withdrawal_is_offered_until_the_meeting_is_appointed_and_refused_afterwards(story, issuer):
    conclude(story)
    story.issuer_sees_what_was_sent()
    issuer.stands_in("meeting")
    assert issuer.words('[data-subprocess="withdrawal"] h3') == WITHDRAWAL
    offer = issuer.find('form[data-trigger="withdraw"]')
    expect(offer).to_have_attribute("data-state", "open")
    offer.locator("textarea").fill("Кеш қалды")

    story.cast["secretary"].appoint_meeting(story.number)
    issuer.answered(lambda: issuer.press("act.withdraw"), 409)

    issuer.hub(story.number)
    issuer.stands_in("decision")
    assert issuer.find('[data-subprocess="withdrawal"]').count() == 0
    token, seen = (issuer.find(f'input[name="{name}"]') for name in ("csrf_token", "seen"))
    version = seen.first.get_attribute("value") if seen.count() else "0"
    late = issuer.page.request.post(
        f"{story.cast.served.address}{story.root}/transitions/withdraw",
        form={"csrf_token": str(token.first.get_attribute("value")), "seen": str(version), "reason": "Кеш қалды"},
    )
    assert late.status == 409
    story.issuer_sees_what_was_sent()


@pytest.mark.req("IS2IN-25.c")
def test_the_decision_is_sent_as_a_letter(story, issuer):
    secretary = story.cast["secretary"]
    secretary.decide(story.number, "include")
    secretary.hub(story.number)
    secretary.stands_in("letter")
    story.issuer_sees_what_was_sent()
    assert issuer.find(".results").count() == 0

    story.cast["listing"].work(story.number, "letter", "letter")
    assert issuer.find(".results").count() == 0
    story.issue("letter_signing", "send_letter", by="listing")

    story.issuer_sees_what_was_sent()
    issuer.stands_in("result")
    _, letter = issuer.download(issuer.find(".results [data-key='act.copy_document']").first.click)
    said = text_of(letter)
    assert (
        dense("Биржаның Листингілік комиссиясы Сіздің акцияларыңызды ресми тізімге енгізу туралы шешім қабылдады")
        in said
    )
    story.cast.await_mail("issuer", story.number, "түпкілікті нәтижесі")


@pytest.mark.req("IS2IN-9.5.c", "IS2IN-9.5.d", "IS2IN-9.6.b")
def test_only_the_exchange_archives_and_the_application_changes_tabs(story, issuer):
    issuer.hub(story.number)
    assert issuer.key_of("act.archive").count() == 0
    issuer.go("/applications")
    expect(issuer.find(f'tr[data-app="{story.number}"]')).to_have_count(1)
    issuer.go("/questionnaires")
    expect(issuer.find(f'tr[data-app="{story.number}"]')).to_have_count(0)

    listing = story.hub("listing")
    listing.press("act.archive")

    listing.stands_in("archived")
    issuer.go("/applications")
    expect(issuer.find(f'tr[data-app="{story.number}"]')).to_have_count(0)
    issuer.go("/archive")
    expect(issuer.find(f'tr[data-app="{story.number}"] .tag[data-key="st.archived"]')).to_have_text("Мұрағат")


# After the end (paragraphs 9.5, 9.6, 25)


@pytest.mark.req("IS2IN-9.5.a", "IS2IN-9.5.b", "IS2IN-25.d", "IS2IN-25.e", "IS2IN-P.6", "IS2IN-P.3")
def test_the_archive_gives_letter_signed_copy_and_a_signature_that_anybody_can_verify(story, issuer):
    issuer.go("/archive")
    issuer.press("act.details", f'tr[data-app="{story.number}"]')
    issuer.stands_in("archived")
    assert issuer.words(".results li:first-child [data-key='act.copy_document']") == "Құжатты көшіру"
    _, letter = issuer.download(issuer.find(".results [data-key='act.copy_document']").first.click)
    assert letter.startswith(b"%PDF-")
    story.issuer_sees_what_was_sent()
    issuer.follow(issuer.find('[data-subprocess="view_sent"] a'))
    newest = issuer.find('article[data-kind="application"]').first
    _, document = issuer.download(newest.locator('[data-key="act.copy_document"]').click)
    _, cms = issuer.download(newest.locator('[data-key="app.download_signature"]').first.click)
    _, copy = issuer.download(
        issuer.find('article[data-kind="signed_copy"] [data-key="act.copy_document"]').first.click
    )

    assert document == story.document
    assert copy.startswith(b"%PDF-")
    report = story.cast.judge(cms, document)
    assert report.verdict is Verdict.VALID
    assert [(signer.iin, signer.bin) for signer in report.signers] == [("760118300039", "050340001235")]
    assert story.cast.judge(cms, document + b"\n").verdict is Verdict.INVALID


@pytest.mark.req("IS2IN-25.a")
def test_what_was_sent_could_be_viewed_in_every_process_since_then(story):
    assert story.viewed_in == [
        "registration",
        "completeness",
        "expertise",
        "rework",
        "rework_approval",
        "conclusion",
        "meeting",
        "decision",
        "letter",
        "result",
        "archived",
    ]


@pytest.mark.req("IS2IN-9.6.a", "IS2IN-9.6.b")
def test_a_second_application_is_filled_from_the_questionnaires(story, issuer):
    issuer.follow(issuer.find("nav.menu [data-key='nav.questionnaires']"))
    row = issuer.find(f'tr[data-app="{story.number}"]').first
    issuer.press("", of=row.locator('[data-key="act.use_questionnaire"]'))
    issuer.press("act.create")

    second = str(issuer.find(".app-head").get_attribute("data-app"))
    assert second != story.number
    states = stood(issuer)
    assert states["issuer"] == "filling"
    issuer.stage(second, "issuer")
    expect(issuer.find('[name="legal_address"]')).to_have_value(ADDRESS)
    expect(issuer.find('[data-field="legal_address"] [data-key="msg.prefill_source"]')).to_contain_text(story.number)
    issuer.press("act.done", "form[data-stage]")
    assert stood_of(issuer, second)["issuer"] == "filled"
    issuer.stage(second, "requirements")
    expect(issuer.find(f'[name="{REQUIREMENTS}-e1-isin"], [name="{REQUIREMENTS}-isin"]').first).to_be_visible()
    expect(issuer.find("[data-entry]")).to_have_count(1)


def stood_of(person: Person, number: str) -> dict[str, str]:
    person.hub(number)
    return person.stage_states()


@pytest.mark.req("IS2IN-15.a")
def test_a_wrongly_chosen_application_is_deleted_from_the_lower_right_corner(story, issuer):
    number = str(issuer.find(".app-head").get_attribute("data-app"))
    issuer.hub(number)
    button = issuer.find('button[data-key="act.delete_application"]')
    expect(button).to_have_text("Өтінішті жою")
    place, main = button.bounding_box(), issuer.find("main").bounding_box()
    last = issuer.find("main section").last.bounding_box()
    assert place is not None
    assert main is not None
    assert last is not None
    assert place["x"] + place["width"] > main["x"] + main["width"] * 0.9
    assert place["y"] >= last["y"] + last["height"]

    issuer.press("act.delete_application")

    assert issuer.path == "/applications"
    expect(issuer.find(f'tr[data-app="{number}"]')).to_have_count(0)
    issuer.go(f"/applications/{number}", status=404)


@pytest.mark.req("IS2IN-26.a")
def test_a_submitted_application_is_withdrawn_with_a_reason(story, issuer):
    issuer.go("/applications")
    row = issuer.find('tr:has([data-process="registration"]):not([data-state="withdrawn"])').first
    number = str(row.get_attribute("data-app"))
    issuer.hub(number)
    assert issuer.words('[data-subprocess="withdrawal"] h3') == WITHDRAWAL
    issuer.answered(lambda: issuer.press("act.withdraw"), 422)
    expect(issuer.error("reason")).to_be_visible()
    issuer.find('form[data-trigger="withdraw"] textarea').fill("Эмиссия мерзімі өзгерді")
    issuer.press("act.withdraw")

    issuer.stands_in("withdrawn")


def test_the_mails_of_the_story_can_be_read_on_the_demo_page(story, issuer):
    issuer.go("/demo/mail")

    written = issuer.find(f'details[data-mail]:has-text("{story.number}")')
    assert written.count() > 20
    story.cast.await_mail("issuer", story.number, "Мұрағат")
    for _ in range(60):  # the worker sends what the last acts have written, a moment after them
        issuer.page.reload()
        states = {item.get_attribute("data-state") for item in issuer.find("details[data-mail]").all()}
        if "waiting" not in states:
            break
        issuer.page.wait_for_timeout(500)
    assert states == {"sent"}
