// Loaded into npm: it leaves out optional packages, and with engine-strict refuses others, whose `engines` do not fit the
// Node that npm itself runs on. These packages run on the project's Node, so that is the version to judge by.
const version = process.env['PREPARING_TERRARIUM_FOR_NODE'];
if (version) Object.defineProperty(process, 'version', { value: version });
