exports.main = () => ({});
