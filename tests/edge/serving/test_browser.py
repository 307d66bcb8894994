import asyncio
import json
from pathlib import Path

import browser
import pytest
from served import served

MODELS = Path(__file__).parents[3] / "models"
BUNDLE = f"--bundle={MODELS / 'cluttered_mnist'}"

pytestmark = pytest.mark.skipif(browser.CHROMIUM is None, reason="needs a browser: apt-get install chromium")


def test_the_page_shows_switches_and_saves(tmp_path):
    folder = tmp_path / "mine"
    camera = f"--camera=images:{MODELS / 'samples'}"

    async def use(url):
        async with browser.opened(url, tmp_path / "profile") as page:
            reading = await page.until("/^[0-9]$/.test($('reading').textContent) && $('reading').textContent")
            assert reading in "73424053"
            assert await page.until("$('chart').children.length")
            pixels = "$('frame').getContext('2d').getImageData(0, 0, 500, 500).data"
            green = "(v, i, all) => i % 4 === 1 && v > 200 && all[i - 1] < 90"
            assert await page.evaluate(f"{pixels}.some({green})")  # of the patches
            await page.evaluate("$('num_patches').value = 2, $('settings').requestSubmit()")
            assert await page.until("$('patches').textContent === '2'")
            await page.evaluate("$('label').focus()")
            assert await page.until("$('saved').textContent.endsWith('is held')")
            await page.evaluate("$('label').value = '4', $('save').requestSubmit()")
            saved = await page.until("$('saved').textContent.startsWith('saved as ') && $('saved').textContent")
            left, top, width, height = await page.evaluate(
                "(({left, top, width, height}) => [left, top, width, height])($('frame').getBoundingClientRect())"
            )
            await page.drag((left + width * 0.25, top + height * 0.25), (left + width * 0.75, top + height * 0.75))
            assert await page.until("!$('whole').hidden")
            # a frame may be gone before a slow browser asks for it; the next one is shown then
            assert [trouble for trouble in page.troubles if "/frame.jpg" not in trouble[0]] == []
            return saved.removeprefix("saved as ")

    with served(BUNDLE, camera, "--exit_entropy=0", "--interval=0.1", f"--folder={folder}") as running:
        file = asyncio.run(use(running.url + "/"))
        assert running.end() == 143
    assert json.loads((folder / "annotations.json").read_text()) == [{"file": file, "label": [4]}]
    assert (folder / file).is_file()
    region = json.loads((folder / "region.json").read_text())
    assert region == pytest.approx([0.25, 0.25, 0.75, 0.75], abs=0.02)
