"""Settings: from the file, over the environment, to checked values; and the file that documents them all."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from newsletter import assets, config
from newsletter.config import Settings, SmtpSecurity, SourceKind, SourceSettings, TransportKind, UncertainPolicy
from newsletter.errors import ConfigError

DOCUMENTED = assets.CONFIG / "newsletter.toml"
SECRET = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(config.ENV_PREFIX)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def loaded(text: str, folder: Path) -> Settings:
    path = folder / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return config.load(path)


def uncommented(text: str) -> str:
    """Remove the `# ` before every `# key = value` and `# [[source]]`."""
    return re.sub(r"^# (?=[a-z_]+ = |\[\[)", "", text, flags=re.MULTILINE)


def fields(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields)


def test_an_endpoint_needs_a_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="summaries: an endpoint needs the name of a model too"):
        loaded('[summaries]\nendpoint = "http://127.0.0.1:11434/v1"', tmp_path)
    with pytest.raises(ConfigError, match=r"summaries\.endpoint: must be an address"):
        loaded('[summaries]\nendpoint = "localhost:11434"\nmodel = "x"', tmp_path)
    settings = loaded('[summaries]\nendpoint = "http://127.0.0.1:11434/v1/"\nmodel = "x"\napi_key = "k3y"', tmp_path)
    assert settings.summaries.endpoint == "http://127.0.0.1:11434/v1"
    assert "k3y" not in repr(settings)


class TestTheDocumentedFile:
    TEXT = DOCUMENTED.read_text(encoding="utf-8")

    def test_as_it_stands_it_gives_the_defaults(self) -> None:
        assert config.load(DOCUMENTED) == Settings()

    def test_with_every_line_in_force_it_gives_the_defaults_and_the_sources_of_the_example(
        self, tmp_path: Path
    ) -> None:
        settings = loaded(uncommented(self.TEXT), tmp_path)
        assert settings.model_copy(update={"source": (), "relay": ()}) == Settings()
        assert settings.source == (
            SourceSettings(
                name="hugging-face", kind=SourceKind.HUGGINGFACE, url="https://huggingface.co/api/daily_papers"
            ),
            SourceSettings(name="arxiv-cs-cl", kind=SourceKind.FEED, url="https://rss.arxiv.org/rss/cs.CL", every=180),
            SourceSettings(
                name="arxiv-speech",
                kind=SourceKind.ARXIV_API,
                query="abs:speech",
                categories=("eess.AS", "cs.SD"),
                days=3,
            ),
            SourceSettings(name="arxiv-everything-in-mathematics", kind=SourceKind.ARXIV_OAI, set="math", days=1),
            SourceSettings(name="inbox", kind=SourceKind.AUTO, path=Path("inbox/*.txt"), tags=("eess.AS",)),
            SourceSettings(name="google-scholar", path=Path("/srv/mail/papers/.Scholar"), days=7),
        )

    def test_it_holds_every_setting_and_none_that_does_not_exist(self) -> None:
        examples = re.sub(r"^# For example: ", "", self.TEXT, flags=re.MULTILINE)
        told: dict[str, Any] = tomllib.loads(uncommented(examples))
        assert set(told) == fields(Settings)
        for name, field in Settings.model_fields.items():
            if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
                assert set(told[name]) == fields(field.annotation), name
        assert {key for source in told["source"] for key in source} == fields(SourceSettings)

    def test_the_examples_of_settings_without_a_default_load_too(self, tmp_path: Path) -> None:
        settings = loaded(re.sub(r"^# For example: ", "", self.TEXT, flags=re.MULTILINE), tmp_path)
        assert settings.topics == Path("my-topics.toml")
        assert settings.smtp.ca_file == Path("our-ca.pem")
        assert settings.rendering.templates == Path("my-templates")
        assert settings.embedding.url == "http://localhost:11434/v1"

    def test_every_setting_is_explained_above_it(self) -> None:
        for block in re.split(r"\n\n+", self.TEXT):
            lines = [line for line in block.splitlines() if not line.startswith(("[", "# [["))]
            values = [line for line in lines if re.match(r"# [a-z_]+ = ", line)]
            prose = [line for line in lines if line not in values]
            if values and "# [[" not in block:
                assert all(line.startswith("# ") for line in prose)
                assert 1 <= len(prose) <= 3, block

    def test_init_finds_the_line_that_it_puts_the_secret_into(self) -> None:
        assert self.TEXT.count('# secret = ""\n') == 1
        site = self.TEXT.index("[site]")
        assert site < self.TEXT.index('# secret = ""\n') < self.TEXT.index("\n[", site + 1)


class TestTheFile:
    def test_without_one_the_defaults_hold(self) -> None:
        assert config.load() == Settings()

    def test_the_one_in_the_working_folder_is_read(self, tmp_path: Path) -> None:
        (tmp_path / "newsletter.toml").write_text('[site]\nname = "Dunes"')
        assert config.load().site.name == "Dunes"

    def test_the_environment_names_one_and_an_argument_goes_before_it(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "newsletter.toml").write_text('[site]\nname = "Here"')
        (tmp_path / "named.toml").write_text('[site]\nname = "Named"')
        (tmp_path / "argument.toml").write_text('[site]\nname = "Argument"')
        monkeypatch.setenv("NEWSLETTER_CONFIG", str(tmp_path / "named.toml"))
        assert config.load().site.name == "Named"
        assert config.load(tmp_path / "argument.toml").site.name == "Argument"

    def test_one_that_was_named_and_is_missing_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_CONFIG", "nowhere.toml")
        with pytest.raises(ConfigError, match=r"no settings file nowhere\.toml") as caught:
            config.load()
        assert "newsletter init" in caught.value.hint

    @pytest.mark.parametrize("data", [b"[site", b"name = ", b'[site]\nname = "caf\xe9"', b"\xff\xfe[\x00"])
    def test_one_that_is_no_toml_is_named(self, data: bytes, tmp_path: Path) -> None:
        path = tmp_path / "broken.toml"
        path.write_bytes(data)
        with pytest.raises(ConfigError, match=r"cannot read the settings file .*broken\.toml"):
            config.load(path)

    def test_a_folder_in_its_place_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="cannot read the settings file"):
            config.load(tmp_path)

    @pytest.mark.parametrize(
        ("text", "path"),
        [
            ("[site]\nnaem = 1", "site.naem"),
            ("[siet]\nname = 1", "siet"),
            ("name = 1", "name"),
            ('[[source]]\nname = "a"\nurl = "https://a.example"\nurls = 1', "source.0.urls"),
        ],
    )
    def test_a_key_that_is_not_known_is_named_by_its_path(self, text: str, path: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=f"{re.escape(path)}: no such setting"):
            loaded(text, tmp_path)

    def test_all_mistakes_are_told_at_once_and_the_file_is_named(self, tmp_path: Path) -> None:
        text = '[site]\nurl = "ftp://a"\ncolour = 1\n[smtp]\nport = 0\n[schedule]\nweekly_on = "someday"'
        with pytest.raises(ConfigError, match=r"settings\.toml") as caught:
            loaded(text, tmp_path)
        for path in ("site.url: ", "site.colour: ", "smtp.port: ", "schedule.weekly_on: "):
            assert path in caught.value.message


class TestTheEnvironment:
    def test_it_goes_before_the_file_setting_by_setting(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_SITE__NAME", "From outside")
        settings = loaded('[site]\nname = "From the file"\npostal_address = "1 Dune Road"', tmp_path)
        assert (settings.site.name, settings.site.postal_address) == ("From outside", "1 Dune Road")

    def test_it_alone_will_do(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_DATABASE__URL", "postgresql://papers@localhost/papers")
        monkeypatch.setenv("NEWSLETTER_TOPICS", "mine.toml")
        settings = config.load()
        assert settings.database.url == "postgresql://papers@localhost/papers"
        assert settings.topics == Path("mine.toml")

    def test_numbers_truths_words_and_paths_are_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in (
            ("SMTP__PORT", "587"),
            ("SMTP__TIMEOUT", "2.5"),
            ("SMTP__SECURITY", "starttls"),
            ("SMTP__CA_FILE", "ca.pem"),
            ("DELIVERY__TRANSPORT", "smtp"),
            ("DELIVERY__UNCERTAIN", "hold"),
            ("SCHEDULE__APPROVAL", "1"),
        ):
            monkeypatch.setenv(f"NEWSLETTER_{name}", value)
        settings = config.load()
        assert (settings.smtp.port, settings.smtp.timeout) == (587, 2.5)
        assert settings.smtp.security is SmtpSecurity.STARTTLS
        assert settings.smtp.ca_file == Path("ca.pem")  # the path, not what a file of that name holds
        assert settings.delivery.transport is TransportKind.SMTP
        assert settings.delivery.uncertain is UncertainPolicy.HOLD
        assert settings.schedule.approval is True

    def test_sources_are_read_as_json(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_SOURCE", '[{"name": "inbox", "path": "a.txt"}]')
        assert config.load().source == (SourceSettings(name="inbox", path=Path("a.txt")),)

    @pytest.mark.parametrize(
        ("name", "path"),
        [
            ("NEWSLETTER_SITE__NAEM", "site.naem"),
            ("NEWSLETTER_SIET__NAME", "siet.name"),
            ("newsletter_siet__name", "siet.name"),
            ("NEWSLETTER_SMTP__CA_FILE_FILE", "smtp.ca_file_file"),
            ("NEWSLETTER_SITE__KEY_FILE", "site.key"),
        ],
    )
    def test_a_variable_of_no_setting_is_named_by_its_path(
        self, name: str, path: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "value").write_text("x")
        monkeypatch.setenv(name, str(tmp_path / "value"))
        with pytest.raises(ConfigError, match=f"{re.escape(path)}: no such setting"):
            config.load()

    def test_variables_that_are_no_settings_are_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_NOW", "2026-11-23T06:00:00Z")
        monkeypatch.setenv("NEWSLETTER_TEST_POSTGRESQL", "somewhere")
        monkeypatch.setenv("OTHER__NAME", "x")
        assert config.load() == Settings()

    @pytest.mark.parametrize("value", ["many", "0", "201", "4.5"])
    def test_a_bad_number_is_named(self, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_SMTP__CONNECTIONS", value)
        with pytest.raises(ConfigError, match=r"\(the environment\) are wrong: smtp\.connections: "):
            config.load()

    def test_a_section_given_as_something_else_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_SITE", "{")
        with pytest.raises(ConfigError, match="the environment"):
            config.load()


class TestSecrets:
    def test_one_is_read_from_a_file_without_the_line_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "password").write_text(f"{SECRET}\n")
        monkeypatch.setenv("NEWSLETTER_SMTP__PASSWORD_FILE", str(tmp_path / "password"))
        assert config.load().smtp.password.get_secret_value() == SECRET

    def test_any_setting_can_be_read_from_a_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "url").write_text("postgresql://u:p@h/d\n")
        monkeypatch.setenv("NEWSLETTER_DATABASE__URL_FILE", str(tmp_path / "url"))
        assert config.load().database.url == "postgresql://u:p@h/d"

    def test_a_file_that_is_missing_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_SITE__SECRET_FILE", "nowhere")
        with pytest.raises(ConfigError, match="cannot read the secret file nowhere"):
            config.load()

    def test_a_file_that_is_no_text_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "key").write_bytes(SECRET.encode() + b"\xff")
        monkeypatch.setenv("NEWSLETTER_SITE__SECRET_FILE", str(tmp_path / "key"))
        with pytest.raises(ConfigError, match="cannot read the secret file") as caught:
            config.load()
        assert SECRET not in str(caught.value)

    def test_keys_of_single_users_come_from_files_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "key").write_text("sesame\n", encoding="utf-8")
        monkeypatch.setenv("NEWSLETTER_ZOTERO__KEYS__7_FILE", str(tmp_path / "key"))
        settings = loaded('[zotero]\nkeys = { 475425 = "barley" }', tmp_path)
        assert {number: key.get_secret_value() for number, key in settings.zotero.keys.items()} == {
            "475425": "barley", "7": "sesame",
        }  # fmt: skip
        assert "barley" not in repr(settings)

    def test_they_are_not_shown(self, tmp_path: Path) -> None:
        text = f'[site]\nsecret = "{SECRET}"\n[smtp]\npassword = "{SECRET}"\n[database]\nurl = "postgresql://u:{SECRET}@h/d"'
        settings = loaded(text, tmp_path)
        for shown in (repr(settings), str(settings), str(settings.smtp), str(settings.database)):
            assert SECRET not in shown

    @pytest.mark.parametrize(
        "text",
        [
            f'[site]\nsecret = ["{SECRET}"]',
            f'[smtp]\npasword = "{SECRET}"',
            f'[smtp]\nport = "{SECRET}"',
            f'[smtp]\nsecurity = "{SECRET}"',
            f'[site]\nurl = "{SECRET}"\nsender = "{SECRET}"',
            f'smtp = "{SECRET}"',
            f'source = "{SECRET}"',
            f'zotero.keys = {{ "{SECRET}" = "475425" }}',
            f'zotero.keys = {{ 475425 = "{SECRET}" }}',
        ],
    )
    def test_no_message_repeats_a_value(self, text: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError) as caught:
            loaded(text, tmp_path)
        assert SECRET not in str(caught.value)

    @pytest.mark.parametrize("name", ["DATABASE_URL", "SMTP_PASSWORD_FILE", "DKIM_KEY_FILE", "SITE_POSTAL_ADDRESS"])
    def test_one_underscore_too_few_is_no_silent_default(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(f"NEWSLETTER_{name}", SECRET)
        with pytest.raises(ConfigError, match=f"NEWSLETTER_{name} is no setting") as refused:
            config.load()
        assert f"NEWSLETTER_{name.replace('_', '__', 1)}" in refused.value.hint
        assert SECRET not in str(refused.value)

    def test_what_kubernetes_sets_for_services_is_no_slip(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_WEB_PORT", "tcp://10.0.0.7:80")
        monkeypatch.setenv("NEWSLETTER_WEB_SERVICE_HOST", "10.0.0.7")
        monkeypatch.setenv("NEWSLETTER_PORT", "tcp://10.0.0.8:80")
        assert config.load() == Settings()

    def test_no_message_repeats_what_the_environment_says(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NEWSLETTER_SMTP", f'{{"password": "{SECRET}"')
        with pytest.raises(ConfigError) as caught:
            config.load()
        assert SECRET not in str(caught.value)


class TestValues:
    @pytest.mark.parametrize(
        "sender", ["Papers <papers@dunes.example>", "papers@dunes.example", '"Papers, daily" <p@d.example>']
    )
    def test_a_sender_is_a_mailbox(self, sender: str, tmp_path: Path) -> None:
        assert loaded(f"[site]\nsender = '{sender}'", tmp_path).site.sender == sender

    @pytest.mark.parametrize(
        "sender", ["", "Papers", "Papers <papers>", "papers@", "@dunes.example", "a@b@c", "Papers <a@b>\\r\\nBcc: x@y"]
    )
    def test_what_is_no_mailbox_is_no_sender(self, sender: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"site\.sender: must be of the form Name <address@domain>"):
            loaded(f'[site]\nsender = "{sender}"', tmp_path)

    @pytest.mark.parametrize("address", ["Papers <a@b.example>", "papers", "@b.example", "a b@c.example"])
    def test_the_bounce_address_is_a_bare_address(self, address: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"delivery\.bounce_address: must be an address@domain"):
            loaded(f'[delivery]\nbounce_address = "{address}"', tmp_path)

    @pytest.mark.parametrize(
        "url", ["", "dunes.example", "ftp://dunes.example", "https://", "https:///pages", "https://a b", "http://[::1"]
    )
    def test_an_address_of_pages_begins_with_http(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"site\.url: "):
            loaded(f'[site]\nurl = "{url}"', tmp_path)

    @pytest.mark.parametrize("url", ["https://dunes.example/?page=", "https://dunes.example/#top"])
    def test_an_address_that_no_path_can_follow_is_refused(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"site\.url: must end before"):
            loaded(f'[site]\nurl = "{url}"', tmp_path)

    def test_slashes_behind_the_address_of_the_site_are_dropped(self, tmp_path: Path) -> None:
        assert loaded('[site]\nurl = "https://dunes.example/mail/"', tmp_path).site.url == "https://dunes.example/mail"

    @pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../../etc/passwd", "/etc/localtime", "Europe"])
    def test_a_time_zone_exists(self, zone: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"site\.timezone: no such time zone"):
            loaded(f'[site]\ntimezone = "{zone}"', tmp_path)

    @pytest.mark.parametrize("number", ["0", "-1", "inf", "nan", '"soon"'])
    def test_a_time_limit_is_a_number_of_seconds(self, number: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"smtp\.timeout: .*; fetching\.timeout: .*; fetching\.parse_timeout: "):
            loaded(
                f"[smtp]\ntimeout = {number}\n[fetching]\ntimeout = {number}\nparse_timeout = {number}",
                tmp_path,
            )

    def test_settings_do_not_change(self) -> None:
        settings = Settings()
        for owner, name in ((settings, "topics"), (settings.site, "name")):
            with pytest.raises(ValueError, match="frozen"):
                setattr(owner, name, "other")


class TestEmbedding:
    def test_an_endpoint_has_an_address_and_a_model(self, tmp_path: Path) -> None:
        text = '[ranking]\nencoder = "endpoint"\n[embedding]\nurl = "http://localhost:11434/v1/"\nmodel = "e5"'
        embedding = loaded(text, tmp_path).embedding
        assert (embedding.url, embedding.model) == ("http://localhost:11434/v1", "e5")

    @pytest.mark.parametrize("named", ["", 'url = "http://a.example"', 'model = "e5"'])
    def test_an_endpoint_that_is_not_named_is_told(self, named: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r'wrong: ranking\.encoder is "endpoint", which needs embedding\.url and'):
            loaded(f'[ranking]\nencoder = "endpoint"\n[embedding]\n{named}', tmp_path)

    @pytest.mark.parametrize(
        "url", ["", "localhost:8080", "http://a.example/v1?key=1", "http://a.example/#", "http://u:p@a.example/v1"]
    )
    def test_an_address_that_embeddings_cannot_follow_is_refused(self, url: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"embedding\.url: must"):
            loaded(f'[embedding]\nurl = "{url}"', tmp_path)

    @pytest.mark.parametrize("key", ["two words", "ключ", "line\\nend"])
    def test_a_key_that_no_header_can_hold_is_refused_and_not_repeated(self, key: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"embedding\.api_key: must be one word") as caught:
            loaded(f'[embedding]\napi_key = "{key}"', tmp_path)
        assert key not in str(caught.value)

    @pytest.mark.parametrize("model", ["e5 ", "e\\u0000"])
    def test_a_model_has_a_name_that_can_be_kept(self, model: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"embedding\.model: must be a name"):
            loaded(f'[embedding]\nmodel = "{model}"', tmp_path)

    def test_the_key_is_not_shown_and_comes_from_a_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "key").write_text("sk-1\n")
        monkeypatch.setenv("NEWSLETTER_EMBEDDING__API_KEY_FILE", str(tmp_path / "key"))
        settings = config.load()
        assert settings.embedding.api_key.get_secret_value() == "sk-1"
        assert "sk-1" not in repr(settings)


class TestSources:
    def test_each_has_a_name_a_kind_and_a_place(self, tmp_path: Path) -> None:
        text = """
            [[source]]
            name = "feed"
            kind = "feed"
            url = "https://dunes.example/feed/?all=1"
            [[source]]
            name = "file"
            path = "digest.txt"
        """
        feed, file = loaded(text, tmp_path).source
        assert feed.url == "https://dunes.example/feed/?all=1"  # not a character of it is ours to change
        assert (feed.kind, feed.path) == (SourceKind.FEED, None)
        assert (file.kind, file.path, file.url) == (SourceKind.AUTO, Path("digest.txt"), None)

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            ('name = "a"', "needs either a url or a path"),
            ('name = "a"\nurl = "https://a.example"\npath = "b"', "has both a url and a path"),
            ('url = "https://a.example"', r"source\.0\.name: "),
            ('name = ""\npath = "b"', r"source\.0\.name: "),
            ('name = "a"\nkind = "pdf"\npath = "b"', r"source\.0\.kind: "),
            ('name = "a"\nurl = "file:///a"', r"source\.0\.url: "),
        ],
    )
    def test_a_bad_one_is_named(self, source: str, said: str, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=said):
            loaded(f"[[source]]\n{source}", tmp_path)

    def test_two_of_one_name_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match="there twice: inbox"):
            loaded('[[source]]\nname = "inbox"\npath = "a"\n[[source]]\nname = "inbox"\npath = "b"', tmp_path)
