// Bynder's own JavaScript SDK at work, in a process of its own: `upload FILE...` or `list COUNT`.
const fs = require("node:fs");
const path = require("node:path");
const Bynder = require("@bynder/bynder-js-sdk");

const bynder = new Bynder({ baseURL: `${process.env.PORTAL}/api/`, permanentToken: process.env.TOKEN });

async function upload(files) {
  const brandId = (await bynder.getBrands())[0].id;
  for (const file of files) {
    const body = fs.readFileSync(file);
    const filename = path.basename(file);
    await bynder.uploadFile({ filename, body, length: body.length, data: { brandId, name: filename } });
  }
}

async function list(count) {
  const ids = new Set();
  for (let page = 1; page <= count / 1000; page++) {
    for (const asset of await bynder.getMediaList({ page, limit: 1000 })) {
      if (asset.name && asset.tags) ids.add(asset.id);
    }
  }
  if (ids.size !== count) throw new Error(`${ids.size} assets`);
}

const [work, ...given] = process.argv.slice(2);
const began = performance.now();
(work === "upload" ? upload(given) : list(Number(given[0]))).then(
  () => console.log(JSON.stringify({ seconds: (performance.now() - began) / 1000 })),
  (error) => {
    console.error(error.response ? error.response.data : error);
    process.exit(1);
  },
);
