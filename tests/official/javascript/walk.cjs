// Walks the official JavaScript SDK through a portal and prints what came back as JSON.
const crypto = require("node:crypto");
const Bynder = require("@bynder/bynder-js-sdk");

const bynder = new Bynder({ baseURL: process.env.PORTAL, permanentToken: process.env.TOKEN });

async function upload(size, data) {
  const body = crypto.randomBytes(size);
  const filename = `bytes-${size}.bin`;
  const answer = await bynder.uploadFile({ filename, body, length: size, data });
  return { answer, sha256: crypto.createHash("sha256").update(body).digest("hex") };
}

async function walk() {
  const brandId = (await bynder.getBrands())[0].id;
  const small = await upload(1000, { brandId, name: "small", tags: "walk" });
  const large = await upload(25 * 1024 * 1024, { brandId, name: "large" });
  const id = small.answer.mediaid;
  await bynder.editMedia({ id, name: "Renamed", description: "By the JavaScript SDK" });
  await bynder.saveNewMetaproperty({ name: "Walked", label: "Walked", type: "text" });
  await bynder.saveNewCollection({ name: "Walk" });
  const collection = (await bynder.getCollections()).find((each) => each.name === "Walk");
  await bynder.addMediaToCollection({ id: collection.id, data: [id] });
  const integration_id = "0191d303-9d99-433e-ada4-d244d37e1d6c";
  await bynder.saveNewAssetUsage({ integration_id, id, uri: "/page" });
  const found = {
    small: { id, sha256: small.sha256 },
    large: { id: large.answer.mediaid, sha256: large.sha256 },
    info: await bynder.getMediaInfo({ id }),
    listed: await bynder.getMediaList({ tags: "walk" }),
    total: await bynder.getMediaTotal({ tags: "walk" }),
    metaproperties: (await bynder.getMetaproperties()).map((each) => each.name),
    tags: (await bynder.getTags()).map((each) => each.tag),
    usage: await bynder.getAssetUsage({ id }),
  };
  await bynder.deleteAssetUsage({ integration_id, id });
  await bynder.deleteMedia({ id });
  found.gone = await bynder.getMediaInfo({ id }).then(() => 200, (error) => error.status ?? error.response?.status);
  return found;
}

walk().then(
  (found) => console.log(JSON.stringify(found)),
  (error) => {
    console.error(error.response ? error.response.data : error);
    process.exit(1);
  },
);
